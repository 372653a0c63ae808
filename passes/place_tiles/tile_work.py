"""What multiplications ask of the tiles of their weights, and what the parts of a chip's arrays take for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import Attribute

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from dialects.network import Network
from dialects.semantics.weight_values import stored_matrix
from passes.analysis.row_groups import GROUP, column_bounds, tile_groups, whole_bounds
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.analysis.spreading.parts import Reader, parts_of_tiles, row_groups_of_tiles
from passes.place_tiles.analysis.spreading.work import Prices, Tile, Work, works_of_tiles
from passes.rewriting.chip_times import array_times
from passes.rewriting.multiplications import tiled_multiplies


def works_of(multiply: MultiplyOp, tiles: Table, network: Network, chip: ChipAttr) -> tuple[tuple[Work, ...], Table]:
    """What a multiplication asks of these tiles of its weight, and which of that of each tile.

    The cells of all small tiles are looked at, but of large ones those of one, for they differ less.
    """
    cells = multiply.cells(chip)
    asked = Work(multiply.planes(chip), cells.format.slices(chip.cell_bits), multiply.bits_of_inputs, 0.0)
    stored = stored_matrix(network.weight(multiply.symbol), network)
    return works_of_tiles(
        asked, tiles, stored.tile, lambda own: whole_bounds(own, chip.cell_bits, cells, chip.dac_bits)
    )


def works_of_a_run(works: Sequence[Work], users: Sequence[MultiplyOp], chip: ChipAttr) -> tuple[Work, ...]:
    """What all vectors of a run ask of tiles that `users` multiply, where a vector of the first asks for `works`.

    A dimension that is open counts as 1.
    """
    planes = sum(vectors_of(user.x.type) * user.planes(chip) for user in users)
    return tuple(replace(work, planes=planes) for work in works)


def vectors_of(type_: Attribute) -> int:
    """How many vectors a tensor of this type holds, as far as it says."""
    if not isinstance(type_, TensorType):
        return 1
    return prod(size for size in type_.get_shape()[:-1] if size not in (0, DYNAMIC_INDEX))


def with_parts(
    weights: Mapping[str, WeightTiles], network: Network, chip: ChipAttr, even: bool = True, columns: bool = True
) -> dict[str, WeightTiles]:
    """The weights, by symbol, with what their tiles can be cut into, as the first that multiplies by each has it.

    If parts need not be `even`, tiles whose row groups cannot have equally many rows are cut, too. If no `columns` are
    to be apart, only those tiles are looked at of which works say that they need several row groups.
    """
    users = {multiply.symbol: multiply for multiply in reversed(tiled_multiplies(network.ops))}
    known: dict[str, WeightTiles] = {}
    for symbol, weight in weights.items():
        bounds = None if columns else _bounds(weight)
        works, parts = _parts(users[symbol], weight.tiles, network, chip, even, bounds)
        parts[:, -1] += len(weight.works)
        known[symbol] = replace(weight, works=(*weight.works, *works), parts=parts)
    return known


def _bounds(weight: WeightTiles) -> list[float]:
    """The largest sum of each tile, by its works."""
    if weight.work_of is None:
        return [0.0] * len(weight.tiles)
    peaks = np.array([work.peak for work in weight.works])[weight.work_of]
    return np.round(peaks * weight.tiles[:, 2], 6).tolist()


def _parts(
    multiply: MultiplyOp, tiles: Table, network: Network, chip: ChipAttr, even: bool, bounds: Sequence[float] | None
) -> tuple[tuple[Work, ...], Table]:
    """What a multiplication asks of parts of these tiles, and which parts there are (a table PART): with `bounds`, the
    largest sums of the tiles, row groups only."""
    cells = multiply.cells(chip)
    asked = Work(multiply.planes(chip), cells.format.slices(chip.cell_bits), multiply.bits_of_inputs, 0.0)

    def groups_of(tile: Tile) -> list[int] | None:
        groups = tile_groups([tile], chip.cell_bits, cells, chip.dac_bits, chip.adc_bits, 0)
        return None if groups is None else groups[:, GROUP.index("rows")].tolist()

    bounds_of = partial(column_bounds, cell_bits=chip.cell_bits, cells=cells, dac_bits=chip.dac_bits)
    stored = stored_matrix(network.weight(multiply.symbol), network)
    reader = Reader(bounds_of, groups_of, (1 << chip.adc_bits) - 1, chip.adcs, even)
    if bounds is not None:
        return row_groups_of_tiles(asked, tiles, stored.tile, reader, bounds)
    return parts_of_tiles(asked, tiles, stored.tile, reader)


def prices_of(chip: ChipAttr) -> Prices | None:
    """What the parts of a chip's arrays take; None where it gives no times, without energies where its ADC model cannot
    tell them."""
    if not chip.has_array_times:
        return None
    try:
        costs = chip.array_costs()
    except UserError:
        costs = None
    return Prices(array_times(chip), costs)
