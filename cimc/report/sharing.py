"""What equal tiles save that share a place."""

from dataclasses import dataclass

import numpy as np

from cimc.program.arrays.tiles import own_places
from cimc.program.program import Program

_ROWS, _COLUMNS = 4, 5
"""Columns of the tile table: rows and columns of each tile."""


@dataclass(frozen=True)
class Sharing:
    """The tiles of a program, and how many of them are different, each being stored once.

    `saved_weights` need no cells of their own, `saved_share` of all that the tiles hold (0 to 1).
    `arrays_without` are those that the tiles would take if each had a place of its own.
    """

    tiles: int
    different: int
    saved_weights: int
    saved_share: float
    arrays_without: int


def sharing_of(program: Program) -> Sharing:
    """What the places of a program's tiles save."""
    sizes = np.prod(program.tiles[:, [_ROWS, _COLUMNS]].astype(np.int64), axis=1)
    own, whole = own_places(program.tiles), int(sizes.sum())
    saved = whole - int(sizes[own].sum())
    apart = program.notes.get("arrays_without_sharing")
    arrays = len(program.arrays)
    return Sharing(
        len(sizes), len(own), saved, saved / whole if whole else 0.0, apart if isinstance(apart, int) else arrays
    )


def sharing_text(sharing: Sharing, arrays: int) -> str:
    """As in `64 blocks, 8 different: 14,336 weights saved (87.5 %), 1 array instead of 4`."""
    saved = f"{sharing.saved_weights:,} weights saved ({100 * sharing.saved_share:.1f} %)"
    fewer = f", {arrays} array{'s' if arrays != 1 else ''} instead of {sharing.arrays_without}"
    text = f"{sharing.tiles:,} tiles, {sharing.different:,} different: {saved}"
    return text + (fewer if arrays < sharing.arrays_without else "")
