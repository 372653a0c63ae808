"""The energy of a program's multiplications in arrays, by record, tile, multiplication and stage."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.copies import copies_of_values
from cimc.program.arrays.formats import slices_of
from cimc.program.arrays.planes import input_bits_of, planes_of
from cimc.program.program import Program
from cimc.program.records import Opcode, Records
from cimc.report.cost.vectors import ONE, Vectors
from dialects.chip.costs import ArrayCosts
from passes.analysis.cost.arrays import SUM_BITS, Activity, activity, array_energies
from passes.analysis.cost.intervals import group_numbers

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class ArrayCost:
    """The MULTIPLY records of a program, what happens in each for one vector, and the energy [pJ] by component.

    The energy is that of all `vectors` of each record: of copies of a weight, each takes its share of them, on average
    over many vectors.
    """

    records: Records
    vectors: Floats
    activity: Activity
    energies: Mapping[str, Floats | None]
    permuted_pj: float | None
    """What permutations that are executed move."""

    def components(self, chosen: NDArray[np.bool_] | None = None) -> dict[str, float | None]:
        """The energy [pJ] of some records by component, of all by default (then with permutations)."""
        energies = {name: _sum(values, chosen) for name, values in self.energies.items()}
        if chosen is None and energies["transfer"] is not None and self.permuted_pj is not None:
            energies["transfer"] += self.permuted_pj
        return energies

    def per_record(self) -> Floats | None:
        """The energy [pJ] of each record; None if a component is not known."""
        known = [values for values in self.energies.values() if values is not None]
        return np.sum(known, axis=0) if len(known) == len(self.energies) else None


def array_cost(
    program: Program, costs: ArrayCosts, permuted_bits: Mapping[int, int], vectors: Vectors = ONE
) -> ArrayCost:
    """The cost of a program; `permuted_bits` tells the bits of each permuted value, 32 an element where it does not."""
    records = program.instructions
    multiplies = records[records["op"] == Opcode.MULTIPLY]
    slices = slices_of(program)[multiplies["array"]]
    copies = copies_of_values(program.multiplications, program.weights, program.slots)
    active = activity(multiplies, planes_of(multiplies, program), slices, input_bits_of(multiplies, program))
    each, taken = (
        array_energies(active, multiplies["adc_bits"].astype(np.int64), costs),
        vectors.taken(multiplies["y"]) / copies[multiplies["y"]],
    )
    energies = {name: None if values is None else values * taken for name, values in each.items()}
    permutes = records[records["op"] == Opcode.PERMUTE]
    written = [(int(y), int(k)) for y, k in zip(permutes["y"], permutes["k"])]
    moved = vectors.taken([y for y, _ in written]).tolist()
    bits = sum(n * permuted_bits.get(y, SUM_BITS * len(program.tables[k])) for n, (y, k) in zip(moved, written))
    price = costs.transfer_bit_pj
    return ArrayCost(multiplies, taken, active, energies, None if price is None else bits * price)


def tiles_of_records(program: Program, records: Records) -> Numbers:
    """The number of the tile that each MULTIPLY record reads: it lies within it."""
    tiles = program.tiles.astype(np.int64)
    field = {name: records[name].astype(np.int64) for name in ("array", "column", "n", "row", "k", "y")}
    weight_of = np.zeros(program.slots, np.int64)
    weight_of[[m.y for m in program.multiplications]] = [m.weight for m in program.multiplications]
    own = np.stack([tiles[:, 0], tiles[:, 1], tiles[:, 3], tiles[:, 7], tiles[:, 2] - tiles[:, 6]], axis=1)
    read = (weight_of[field["y"]], field["array"], field["column"], field["n"], field["row"] - field["k"])
    place = group_numbers(*np.concatenate([own, np.stack(read, axis=1)]).T)
    place, wanted = place[: len(tiles)], place[len(tiles) :]
    # A tile of the weight at the record's column and element; of several, the last that does not begin below the row.
    order = np.lexsort([tiles[:, 2], place])
    side = program.chip.rows + 1
    keys = place[order] * side + tiles[order, 2]
    return order[np.searchsorted(keys, wanted * side + field["row"], side="right") - 1]


def tile_energies(program: Program, cost: ArrayCost) -> Floats | None:
    """The energy [pJ] of each tile in all multiplications that use it; None if a component is not known."""
    each = cost.per_record()
    if each is None:
        return None
    return np.bincount(tiles_of_records(program, cost.records), each, len(program.tiles)).astype(np.float64)


def _sum(values: Floats | None, chosen: NDArray[np.bool_] | None) -> float | None:
    if values is None:
        return None
    return float(values.sum() if chosen is None else values[chosen].sum())
