"""Every tile gets its place: array, first row, first column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.passes import ModulePass

from dialects.array import MultiplyOp, TableAttr
from dialects.errors import UserError
from dialects.hardware import ChipAttr, chip_of
from dialects.network import Network
from dialects.notes import note_arrays_without_sharing, note_copies_gain
from passes.analysis.objectives import DEFAULT_OBJECTIVE, LATENCY, THROUGHPUT
from passes.analysis.places import Placement, distinct_places
from passes.place_tiles.analysis.banks import Bank, banks_of, crossbars_used, fewest_crossbars, place_banks
from passes.place_tiles.analysis.choices import DEFAULT_MAPPING, MAPPING_NAMES, SPREAD, check_mapping
from passes.place_tiles.analysis.copying.copies import (
    ANY_COPIES,
    FEW_COPIES,
    ONE_COPY,
    place_with_copies,
)
from passes.place_tiles.analysis.copying.holds import Room, holds_of
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.spreading.spread import Goal, place_spread
from passes.place_tiles.analysis.spreading.work import Prices
from passes.place_tiles.analysis.table import MAPPINGS
from passes.place_tiles.fastest import fastest_places, has_stage_times, places_in_few_arrays
from passes.place_tiles.loads import Loads
from passes.place_tiles.tile_work import prices_of
from passes.place_tiles.weights import known_weights
from passes.place_tiles.weights_again import with_weights_again
from passes.rewriting.chip_times import picoseconds
from passes.rewriting.multiplications import tiled_multiplies
from passes.rewriting.sweep import sweep
from passes.rules import PLACEABLE, require

Places: TypeAlias = list[Placement]
"""Where each weight lies, in their order."""


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
      tile 0: rows 0 to 3, columns 0 to 2 in array 0 at row 0, column 0
      tile 1: rows 0 to 3, columns 3 to 3 in array 1 at row 0, column 0
      tile 2: rows 0 to 3, columns 4 to 5 in array 1 at row 0, column 1
    } : tensor<?x4xui8> -> tensor<?x6xi32>
    ```
    With `reload`, weights pass through a chip of too few arrays in parts (`load 1`): arrays of a part have numbers
    behind those of the parts before it. A weight that alone needs more than the chip has is cut into several.
    `spread` may cut tiles, as here, to let arrays work equally long: there are more then. With `throughput` on a chip
    of more `arrays` than weights need, it may copy weights (`copies 2`). A later run places anew, and starts from one
    copy and the tiles that `tile-blocks` makes if it was these that were cut.
    Weights of one format (`choose-formats`) share arrays, numbered one format after the other. Needs tiles
    (`tile-blocks`) that fit the chip's arrays; fails where it has too few crossbars without `reload`. Works on
    the network as a whole, for all weights share the arrays.
    """

    name = "place-tiles"
    mapping: str = DEFAULT_MAPPING
    """How tiles are placed: `linear`, `sparsemap`, `densemap` or `spread` (see docs/mappings.md)."""
    objective: str = DEFAULT_OBJECTIVE
    """What `spread` aims at: few `arrays`, low `latency` of one vector, or high `throughput` of many."""
    reload: bool = False
    """Let weights pass through the chip in parts where it has too few arrays for all of them."""
    lossy: int = 0
    """The bits of `schedule-arrays`, which convert all rows of a tile at once: row groups are no parts then."""

    def __post_init__(self) -> None:
        check_mapping(self.mapping, self.objective)

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        require(op, PLACEABLE, self.name)
        network = Network.of(ctx, op)
        chip = chip_of(op)
        weights, formats = known_weights(network, chip, self.mapping, self.objective)
        placer = _Placer(chip, banks_of([formats[symbol].format for symbol in weights], chip.cell_bits), chip.rows)
        own = list(weights.values())
        placements = self._places(placer, weights, network) if not self.reload or placer.may_fit(own) else None
        if placements is None or (self.reload and not placer.fits(placements)):
            self._place_in_loads(network, chip)
            note_arrays_without_sharing(op, None)
            note_copies_gain(op, None)
            return
        apart = placer.arrays_without_sharing(own, placements, self.objective) if self.mapping == SPREAD else None
        note_arrays_without_sharing(op, apart)
        note_copies_gain(op, placer.gain(own, placements) if any(p.copies > 1 for p in placements) else None)
        placer.check(own, placements, self.mapping)
        placement_of = dict(zip(weights, placements))
        for multiply in tiled_multiplies(network.ops):
            _write(multiply, placement_of[multiply.symbol])

    def _places(self, placer: "_Placer", weights: Mapping[str, WeightTiles], network: Network) -> Places:
        """The place of each weight, those of several that are done first."""
        chip, place = placer.chip, partial(placer.place, copies=False)
        if self.mapping != SPREAD or self.objective == THROUGHPUT or self.lossy or not has_stage_times(chip):
            return placer.place(list(weights.values()), self.objective, self.mapping)
        if self.objective == LATENCY:
            return fastest_places(weights, place, placer.fits, network, chip)
        return places_in_few_arrays(weights, place, network, chip)

    def _place_in_loads(self, network: Network, chip: ChipAttr) -> None:
        """Place what the chip holds at once, one part of the weights after the other; nothing is copied."""
        fill = True
        while (loads := self._loads(network, chip)).cut(fill):
            sweep(network)
            fill = False
        placed = with_weights_again(network, loads.places(), lambda: self._loads(network, chip).places())
        several = any(load for _, load in placed.values())  # what is cut may have equal parts, and fit
        for multiply in tiled_multiplies(network.ops):
            placement, load = placed[multiply.symbol]
            _write(multiply, placement, load if several else None)

    def _loads(self, network: Network, chip: ChipAttr) -> Loads:
        weights, formats = known_weights(network, chip, self.mapping, self.objective)

        def place(some: Mapping[str, WeightTiles], rows: int) -> tuple[Places, int]:
            banks = banks_of([formats[symbol].format for symbol in some], chip.cell_bits)
            placer, own = _Placer(chip, banks, rows), list(some.values())
            if not placer.may_fit(own):
                return [], placer.least(own)
            placements = placer.place(own, self.objective, self.mapping, copies=False)
            return placements, crossbars_used(placements, banks)

        return Loads(network, chip, weights, place, may_be_low=self.mapping == SPREAD)


def _write(multiply: MultiplyOp, placement: Placement, load: int | None = None) -> None:
    """Say where the tiles of a multiplication lie, and with which part of the weights they come into the chip."""
    multiply.tiles, multiply.places = TableAttr.of(placement.tiles), TableAttr.of(placement.places)
    multiply.copies = IntegerAttr(placement.copies, i64) if placement.copies > 1 else None
    multiply.load = None if load is None else IntegerAttr(load, i64)


@dataclass(frozen=True)
class _Placer:
    """Places weights on a chip, those of each format in arrays of their own."""

    chip: ChipAttr
    banks: Sequence[Bank]
    rows: int
    """Of each array, how many may be used."""

    def place(
        self,
        weights: Sequence[WeightTiles],
        objective: str,
        mapping: str = SPREAD,
        *,
        limited: bool = True,
        copies: bool = True,
    ) -> Places:
        """The place of each weight; `limited` is how many arrays the chip has, where a mapping cares."""
        chip, rows = self.chip, self.rows

        def place(own: Sequence[WeightTiles], arrays: int | None) -> list[Placement]:
            if mapping != SPREAD:
                return MAPPINGS[mapping](own, rows, chip.columns)
            if objective == THROUGHPUT and arrays is not None and prices is not None:
                return place_with_copies(own, self._room(arrays, prices), counts)
            return place_spread(own, rows, chip.columns, Goal(objective, arrays, chip.adcs, prices))

        prices = prices_of(chip)
        counts = (ANY_COPIES if len(self.banks) == 1 else FEW_COPIES) if copies else ONE_COPY
        return place_banks(weights, self.banks, place, rows * chip.columns, chip.crossbars if limited else None)

    def arrays_without_sharing(self, weights: Sequence[WeightTiles], placements: Places, objective: str) -> int | None:
        """How many arrays the tiles would take if each had a place of its own; None where each has."""
        if not placements:
            return None
        places = np.concatenate([p.places for p in placements])
        sizes = np.concatenate([p.tiles[:, 2:] for p in placements])
        if len(distinct_places(places, sizes)) == len(places):
            return None
        apart = [replace(weight, classes=None) for weight in weights]
        return arrays_used(self.place(apart, objective, limited=False))

    def gain(self, weights: Sequence[WeightTiles], placements: Places) -> float:
        """How many times as soon, by the work of arrays, a vector can follow another as it could without copies."""
        single, prices = self.place(weights, THROUGHPUT, copies=False), prices_of(self.chip)
        assert prices is not None, "nothing is copied without times"
        room = self._room(arrays_used(placements), prices)
        return holds_of(weights, single, room).busiest / holds_of(weights, placements, room).busiest

    def _room(self, arrays: int, prices: Prices) -> Room:
        """So many arrays of the chip; with one set of registers, an array does nothing else while vectors move."""
        chip = self.chip
        move_ps = 2 * picoseconds(chip.number("transfer_ns") or 0) if chip.buffers == 1 else 0
        return Room(arrays, self.rows, chip.columns, chip.adcs, prices, move_ps)

    def may_fit(self, weights: Sequence[WeightTiles]) -> bool:
        """Whether the chip has as many crossbars as the cells take at least."""
        return self.chip.crossbars is None or self.least(weights) <= self.chip.crossbars

    def least(self, weights: Sequence[WeightTiles]) -> int:
        """How many crossbars the cells take at least."""
        return sum(fewest_crossbars(weights, self.banks, self.rows * self.chip.columns))

    def fits(self, placements: Places) -> bool:
        """Whether the chip has as many crossbars."""
        return self.chip.crossbars is None or crossbars_used(placements, self.banks) <= self.chip.crossbars

    def check(self, weights: Sequence[WeightTiles], placements: Places, mapping: str) -> None:
        """UserError if the chip has too few crossbars, with what the other mappings need (found out only then)."""
        chip, has = self.chip, self.chip.crossbars
        if has is None or self.fits(placements):
            return
        used = crossbars_used(placements, self.banks)
        needed = {
            name: crossbars_used(self.place(weights, DEFAULT_OBJECTIVE, name), self.banks) for name in MAPPING_NAMES
        }
        best = min(needed, key=lambda name: needed[name])
        others = ", ".join(f"{name} {count}" for name, count in needed.items() if name != mapping)
        fits = needed[best] <= has
        advice = f"use mapping {best}" if fits else "raise its `arrays`, or choose a chip with larger ones"
        raise UserError(
            f"mapping {mapping} needs {used} crossbars in {arrays_used(placements)} arrays of "
            f"{chip.rows}x{chip.columns}, chip {chip.chip_name!r} has {has} in {chip.arrays}: {advice}, "
            f"or let weights pass through it in parts: --reload (others need: {others})"
        )
