"""Every tile gets its place: array, first row, first column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from dialects.array import MultiplyOp, TableAttr
from dialects.attributes.structure import MONARCH, REPEATED
from dialects.attributes.tables import Table
from dialects.cim import DigitalOp, PermuteOp
from dialects.errors import UserError
from dialects.hardware import ChipAttr, chip_of
from dialects.network import Network
from dialects.notes import note_arrays_without_sharing
from dialects.semantics.weight_values import stored_matrix
from passes.analysis.places import Placement, distinct_places
from passes.analysis.tiling import are_cut_from
from passes.place_tiles.analysis.choices import DEFAULT_MAPPING, DEFAULT_OBJECTIVE, SPREAD, check_mapping
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.sharing import TileOf, classes_of, worth_sharing
from passes.place_tiles.analysis.spread import Goal, place_spread
from passes.place_tiles.analysis.table import MAPPINGS, arrays_by_mapping
from passes.rewriting.levels import sources, stage_numbers
from passes.rewriting.multiplications import tiled_multiplies, tiles_of
from passes.rules import PLACEABLE, require


@dataclass(frozen=True)
class PlaceTilesPass(ModulePass):
    """Give each tile a place by a mapping; a weight that several nodes use is placed once.

    Before:
    ```mlir
    %acc = array.multiply %q by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
    } : tensor<?x4xui8> -> tensor<?x6xi32>
    ```
    After:
    ```mlir
    %acc = array.multiply %q by @w {
      tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
      tile 1: rows 0 to 3, columns 4 to 5 in array 1 at row 0, column 0
    } : tensor<?x4xui8> -> tensor<?x6xi32>
    ```
    `spread` may cut tiles: there are more then. A later run places anew, and starts from those that `tile-blocks` makes
    if it was these that were cut.
    Needs tiles (`tile-blocks`) that fit the chip's arrays; fails where it has too few. Works on the network as a
    whole, for all weights share the arrays.
    """

    name = "place-tiles"
    mapping: str = DEFAULT_MAPPING
    """How tiles are placed: `linear`, `sparsemap`, `densemap` or `spread` (see docs/mappings.md)."""
    objective: str = DEFAULT_OBJECTIVE
    """What `spread` aims at: few `arrays`, low `latency` of one vector, or high `throughput` of many."""

    def __post_init__(self) -> None:
        check_mapping(self.mapping, self.objective)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        require(op, PLACEABLE, self.name)
        network = Network.of(ctx, op)
        chip = chip_of(op)
        weights = _weight_tiles(network, chip)
        if self.mapping == SPREAD:
            weights = _with_classes(weights, network)
            goal = Goal(self.objective, chip.arrays, chip.adcs)
            placements = place_spread(list(weights.values()), chip.rows, chip.columns, goal)
            note_arrays_without_sharing(op, _arrays_without_sharing(weights, placements, chip, goal))
        else:
            note_arrays_without_sharing(op, None)
            placements = MAPPINGS[self.mapping](list(weights.values()), chip.rows, chip.columns)
        _check_arrays(arrays_used(placements), self.mapping, list(weights.values()), chip)
        placement_of = dict(zip(weights, placements))
        for multiply in tiled_multiplies(network.ops):
            placement = placement_of[multiply.symbol]
            multiply.tiles, multiply.places = TableAttr.of(placement.tiles), TableAttr.of(placement.places)


def _weight_tiles(network: Network, chip: ChipAttr) -> dict[str, WeightTiles]:
    """What a mapping must know of each weight, by symbol; a weight used twice belongs to the first stage."""
    ops = network.ops
    multiplies, level, second = tiled_multiplies(ops), stage_numbers(network), _second_factors(ops, network)
    tiles_of_symbol: dict[str, WeightTiles] = {}
    for op in sorted(multiplies, key=lambda multiply: level[multiply]):
        symbol = op.symbol
        if symbol not in tiles_of_symbol:
            dense = network.weight(symbol).structure is None
            tiles_of_symbol[symbol] = WeightTiles(_tiles(op, network, chip), dense, level[op], symbol in second)
    order = dict.fromkeys(op.symbol for op in multiplies)
    return {symbol: tiles_of_symbol[symbol] for symbol in order}


def _with_classes(weights: Mapping[str, WeightTiles], network: Network) -> dict[str, WeightTiles]:
    """The same, and which tiles have equal cells."""
    symbols, tables = list(weights), [weight.tiles.tolist() for weight in weights.values()]

    def cells(number: int) -> TileOf:
        stored = stored_matrix(network.weight(symbols[number]), network)
        return lambda tile: stored.tile(*tables[number][tile])

    looked_at = [
        np.full(len(weight.tiles), True) if network.weight(symbol).kind == REPEATED else worth_sharing(weight.tiles)
        for symbol, weight in weights.items()
    ]
    classes = classes_of([len(table) for table in tables], cells, looked_at)
    return {symbol: replace(weights[symbol], classes=own) for symbol, own in zip(symbols, classes)}


def _arrays_without_sharing(
    weights: Mapping[str, WeightTiles], placements: Sequence[Placement], chip: ChipAttr, goal: Goal
) -> int | None:
    """How many arrays the tiles would take if each had a place of its own; None where each has."""
    if not placements:
        return None
    places, sizes = np.concatenate([p.places for p in placements]), np.concatenate([p.tiles[:, 2:] for p in placements])
    if len(distinct_places(places, sizes)) == len(places):
        return None
    apart = [replace(weight, classes=None) for weight in weights.values()]
    return arrays_used(place_spread(apart, chip.rows, chip.columns, replace(goal, arrays=None)))


def _tiles(op: MultiplyOp, network: Network, chip: ChipAttr) -> Table:
    """The tiles of a multiplication; where it has places, those that were cut before it got them."""
    if op.places is None:
        return op.tiles.array
    whole = tiles_of(network.weight(op.symbol), chip)
    return whole if are_cut_from(op.tiles.array, whole) else op.tiles.array


def _second_factors(ops: Sequence[Operation], network: Network) -> set[str]:
    """The weights of Monarch pairs that multiply what, but for digital operations, is the result of a first factor."""
    second: set[str] = set()
    after_first: dict[Operation, bool] = {}
    for op in ops:
        after = any(after_first.get(source, False) for source in sources(op))
        if isinstance(op, MultiplyOp):
            symbol = op.symbol
            is_factor = network.weight(symbol).kind == MONARCH
            if is_factor and after:
                second.add(symbol)
            after_first[op] = is_factor and not after
        elif isinstance(op, DigitalOp | PermuteOp):
            after_first[op] = after
    return second


def _check_arrays(used: int, mapping: str, weights: Sequence[WeightTiles], chip: ChipAttr) -> None:
    """UserError if the chip has too few arrays, with what the other mappings need (found out only then)."""
    if chip.arrays is None or used <= chip.arrays:
        return
    needed = arrays_by_mapping(weights, chip.rows, chip.columns, chip.arrays)
    best = min(needed, key=lambda name: needed[name])
    others = ", ".join(f"{name} {count}" for name, count in needed.items() if name != mapping)
    fits = needed[best] <= chip.arrays
    advice = f"use mapping {best}" if fits else "raise its `arrays`, or choose a chip with larger ones"
    raise UserError(
        f"mapping {mapping} needs {used} arrays of {chip.rows}x{chip.columns}, chip {chip.chip_name!r} has "
        f"{chip.arrays}: {advice} (others need: {others})"
    )
