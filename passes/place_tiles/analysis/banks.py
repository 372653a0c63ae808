"""Places for weights of several formats: those of each lie in arrays of their own, one format after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dialects.chip.formats import ENCODINGS, Format
from passes.analysis.places import Placement
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used, cells_of_tiles

Place = Callable[[Sequence[WeightTiles], int | None], list[Placement]]
"""Weights of one format, and how many arrays there are for them (None: as many as they need) -> their places."""


@dataclass(frozen=True)
class Bank:
    """The weights of one format, by their numbers, and how many crossbars each of its arrays has."""

    slices: int
    members: tuple[int, ...]


def banks_of(formats: Sequence[Format], cell_bits: int) -> list[Bank]:
    """The banks of weights with these formats: the most bits first, encodings in their usual order."""
    order = sorted(set(formats), key=lambda format_: (-format_.bits, ENCODINGS.index(format_.encoding)))
    members = {format_: [i for i, own in enumerate(formats) if own == format_] for format_ in order}
    return [Bank(format_.slices(cell_bits), tuple(members[format_])) for format_ in order]


def place_banks(
    weights: Sequence[WeightTiles], banks: Sequence[Bank], place: Place, array_cells: int, crossbars: int | None
) -> list[Placement]:
    """Places for all weights, each bank placed by itself, its arrays numbered after those of the banks before it.

    Of the chip's `crossbars` each bank may take what it needs at least, and of the others as large a part as it has of
    the cells; what one leaves, the next ones may take.
    """
    placements: dict[int, Placement] = {}
    least = fewest_crossbars(weights, banks, array_cells)
    left, before = crossbars, 0
    for number, bank in enumerate(banks):
        own = [weights[i] for i in bank.members]
        arrays = None
        if left is not None:
            spare = max(0, left - sum(least[number:]))
            arrays = (least[number] + spare * least[number] // max(1, sum(least[number:]))) // bank.slices
        placed = place(own, arrays)
        for i, placement in zip(bank.members, placed):
            placements[i] = replace(placement, places=placement.places + np.array([before, 0, 0]))
        used = arrays_used(placed)
        before += used
        left = None if left is None else left - used * bank.slices
    return [placements[i] for i in range(len(weights))]


def fewest_crossbars(weights: Sequence[WeightTiles], banks: Sequence[Bank], array_cells: int) -> list[int]:
    """The crossbars that the weights of each bank take at least."""
    return [_fewest(bank, weights, array_cells) for bank in banks]


def crossbars_used(placements: Sequence[Placement], banks: Sequence[Bank]) -> int:
    """How many crossbars the arrays have that hold something."""
    begin, crossbars = 0, 0
    for bank in banks:
        end = max(begin, arrays_used([placements[i] for i in bank.members]))
        crossbars += (end - begin) * bank.slices
        begin = end
    return crossbars


def _fewest(bank: Bank, weights: Sequence[WeightTiles], array_cells: int) -> int:
    """The crossbars that a bank takes at least, tiles with equal cells being stored once."""
    own = [weights[i] for i in bank.members]
    known = [weight for weight in own if weight.classes is not None]
    tables = [weight.tiles for weight in own if weight.classes is None]
    if known:
        classes = np.concatenate([weight.classes for weight in known if weight.classes is not None])
        tiles = np.concatenate([weight.tiles for weight in known])
        tables.append(tiles[np.unique(classes, return_index=True)[1]])
    return bank.slices * -(-cells_of_tiles(tables) // array_cells)
