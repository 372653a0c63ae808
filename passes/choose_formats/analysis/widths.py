"""In how many bits weights of one encoding stand: as few crossbars as can be, in few formats."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from dialects.chip.formats import FEWEST_BITS, MOST_BITS, Format
from passes.choose_formats.analysis.crossbars import Room


def canonical_widths(encoding: str, cell_bits: int) -> list[int]:
    """The bits of weights that are worth telling apart, rising: the most that each number of crossbars holds."""
    widest = {Format(bits, encoding).slices(cell_bits): bits for bits in range(FEWEST_BITS, MOST_BITS + 1)}
    return sorted(widest.values())


def widened(bits: int, encoding: str, cell_bits: int) -> int:
    """The most bits that equally many crossbars hold."""
    return next(width for width in canonical_widths(encoding, cell_bits) if width >= bits)


def choose_widths(needs: Sequence[int], encoding: str, cell_bits: int, room: Room) -> list[int]:
    """For each weight its bits, at least those that it needs, such that all take the fewest crossbars.

    Arrays of a format are whole ones, so a few weights may be better off in a wider one; never do all need more
    crossbars than with 8 bits each. Of equally good choices that with the fewest formats is taken, then the narrowest.
    """
    if not needs:
        return []
    widths = [width for width in canonical_widths(encoding, cell_bits)]
    most, need = max(needs), np.array(needs)
    choices = [
        chosen for count in range(1, len(widths) + 1) for chosen in combinations(widths, count) if chosen[-1] >= most
    ]

    def crossbars(chosen: tuple[int, ...]) -> int:
        slices = [Format(bits, encoding).slices(cell_bits) for bits in chosen]
        return room.crossbars(np.searchsorted(chosen, need), slices)

    best = min(choices, key=lambda chosen: (crossbars(chosen), len(chosen)))
    used = np.searchsorted(best, need)
    return [best[number] for number in used.tolist()]
