"""Plans how columns of arrays are stacked from columns of tiles: which heights stand on each other, how often."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import lcm


@dataclass(frozen=True)
class Slot:
    """Room for `columns` columns of tiles of one `height`; `column` counts through all arrays.

    Only the first `piece` rows of the tiles lie here: their rest, `height - piece` rows, is one more tile.
    """

    height: int
    piece: int
    row: int
    column: int
    columns: int


@dataclass(frozen=True)
class Plan:
    """Slots that take all columns of all tiles, and how many columns of arrays they need."""

    slots: tuple[Slot, ...]
    columns: int


@dataclass(frozen=True)
class Size:
    """The rows and columns of an array."""

    rows: int
    columns: int

    def arrays(self, plan: Plan) -> int:
        """How many arrays a plan fills."""
        return -(-plan.columns // self.columns)


def plan_strips(
    demand: Mapping[int, int],
    unit: Mapping[int, int],
    array_rows: int,
    most_waste: int,
    most_tiles: int | None = None,
) -> Plan:
    """Strips one beside the other, each a stack of heights that fills the columns of an array as well as it can.

    Columns of tiles may be put anywhere, so this is the cutting stock problem: `demand[h]` columns of height h are
    to be packed into the fewest columns of `array_rows`. Stacks are found greedily: the tallest height left, and what
    fills the rest best, as often as there is enough of it. Heights that divide each other are packed perfectly.
    A stack that leaves more than `most_waste` rows empty is filled up with rows cut from taller tiles.
    `unit[h]` is the width that tiles of height h should not be cut below, where that costs nothing. Stacks of at most
    `most_tiles` tiles are filled with the tallest ones that fit.
    """
    left = dict(demand)
    slots: list[Slot] = []
    column = 0
    while left:
        stack = _stack(left, unit, array_rows) if most_tiles is None else _low_stack(left, array_rows, most_tiles)
        cut = _cut(left, stack, array_rows - sum(stack), most_waste)
        needed = {h: stack.count(h) + (cut == h) for h in {*stack, *([cut] if cut else [])}}
        width = min(left[h] // count for h, count in needed.items())
        step = lcm(*(unit.get(h, 1) for h in needed))
        width -= width % step if width > step else 0
        row = 0
        for height in stack:
            slots.append(Slot(height, height, row, column, width))
            row += height
        if cut:
            slots.append(Slot(cut, array_rows - row, row, column, width))
            rest = cut - (array_rows - row)
            left[rest] = left.get(rest, 0) + width
        left = {h: count for h in left if (count := left[h] - width * needed.get(h, 0))}
        column += width
    return Plan(tuple(slots), column)


def _stack(left: Mapping[int, int], unit: Mapping[int, int], array_rows: int) -> list[int]:
    """The tallest height, and those whose sum comes nearest to the rest (subset sums as bits; tall ones preferred)."""
    tallest = max(left)
    sums, within = 1 << tallest, (2 << array_rows) - 1
    tried: list[tuple[int, int]] = []
    for height in sorted(left, reverse=True):
        copies = min(array_rows // height, max(1, left[height] // unit.get(height, 1))) - (height == tallest)
        for _ in range(copies):
            if sums >> array_rows:
                break
            tried.append((height, sums))
            sums |= (sums << height) & within
    total = sums.bit_length() - 1
    stack = [tallest]
    for height, before in reversed(tried):
        if not before >> total & 1:
            stack.append(height)
            total -= height
    return sorted(stack, reverse=True)


def _low_stack(left: Mapping[int, int], array_rows: int, most_tiles: int) -> list[int]:
    """The tallest heights that fit on each other, at most so many."""
    stack: list[int] = []
    for height in sorted(left, reverse=True):
        count = min(most_tiles - len(stack), (array_rows - sum(stack)) // height, left[height])
        stack += [height] * count
    return stack


def _cut(left: Mapping[int, int], stack: list[int], empty: int, most_waste: int) -> int | None:
    """The height of which rows are cut off to fill the `empty` rows above a stack; None to leave them empty."""
    if empty <= most_waste:
        return None
    taller = [h for h in left if h > empty and left[h] > stack.count(h)]
    return max(taller, key=lambda h: (left[h] // (1 + stack.count(h)), h), default=None)
