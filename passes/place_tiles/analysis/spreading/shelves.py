"""Packs the pieces of one array in shelves: pieces of one height in a row, cut where they do not fit."""

from collections.abc import Sequence
from typing import NamedTuple

from passes.place_tiles.analysis.spreading.strips import Size


class Rectangle(NamedTuple):
    """Free cells of an array."""

    row: int
    column: int
    rows: int
    columns: int


class Part(NamedTuple):
    """So many columns of a piece, from `first` on, and where they lie."""

    piece: int
    first: int
    columns: int
    row: int
    column: int


def pack(pieces: Sequence[tuple[int, int]], size: Size) -> list[Part] | None:
    """Where pieces (height, columns) lie in an empty array; None if they do not all fit.

    The tallest come first, of these the widest, each into the narrowest shelf of its height that has the columns, or
    a new one at the bottom of free cells. What fits nowhere is cut between columns; the rest lies in the same rows, if
    it can. Heights that divide each other leave no cell empty as long as there are pieces for it.
    """
    free = [Rectangle(0, 0, size.rows, size.columns)]
    parts: list[Part] = []
    for number in sorted(range(len(pieces)), key=lambda n: (-pieces[n][0], -pieces[n][1])):
        height, left = pieces[number]
        row, done = -1, 0
        while left:
            index = _best(free, height, left, row)
            if index is None:
                return None
            chosen = free.pop(index)
            columns = min(left, chosen.columns)
            parts.append(Part(number, done, columns, chosen.row, chosen.column))
            if chosen.rows > height:
                above = Rectangle(chosen.row + height, chosen.column, chosen.rows - height, chosen.columns)
                free.append(above)
            if chosen.columns > columns:
                free.append(Rectangle(chosen.row, chosen.column + columns, height, chosen.columns - columns))
            row, done, left = chosen.row, done + columns, left - columns
    return parts


def _best(free: Sequence[Rectangle], height: int, columns: int, row: int) -> int | None:
    """Where a piece lies best: the lowest cells that hold all of it, then the narrowest; else the widest ones."""
    best, best_key = None, (0, 0, 0)
    for index, rectangle in enumerate(free):
        if rectangle.rows < height:
            continue
        if rectangle.columns >= columns:
            key = (2, -rectangle.rows, -rectangle.columns)
        else:
            key = (1 if rectangle.row == row else 0, rectangle.columns, -rectangle.rows)
        if best is None or key > best_key:
            best, best_key = index, key
    return best
