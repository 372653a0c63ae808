"""Deals tiles over all arrays by the time that they take, so that no array has much more to do than others."""

from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from passes.analysis.places import Table

Loads = npt.NDArray[np.float64]

ITEM = ("weight", "copy", "rows", "columns")
"""Columns of a table of tiles that are dealt out; two copies of a weight never share an array."""


@dataclass
class _Array:
    """What an array holds: stacks of tiles beside each other (column, columns, rows in use), and whose copies."""

    stacks: list[list[int]] = field(default_factory=list[list[int]])
    columns: int = 0
    cells: int = 0
    copies: dict[int, int] = field(default_factory=dict[int, int])

    def put(self, rows: int, columns: int, height: int, width: int) -> tuple[int, int] | None:
        """A place (row, column) in an array of `rows` x `columns` for a tile; None if there is none.

        On a stack of tiles as wide as this, else beside all stacks, else on a wider stack.
        """
        fitting = [stack for stack in self.stacks if stack[1] >= width and stack[2] + height <= rows]
        stack = min(fitting, key=lambda stack: stack[1], default=None)
        if (stack is None or stack[1] > width) and self.columns + width <= columns:
            stack = [self.columns, width, 0]
            self.stacks.append(stack)
            self.columns += width
        if stack is None:
            return None
        stack[2] += height
        self.cells += height * width
        return stack[2] - height, stack[0]


def deal(items: Table, loads: Loads, arrays: int, rows: int, columns: int) -> Table | None:
    """The place (array, row, column) of each item in `arrays` arrays of `rows` x `columns`; None if there is no room.

    Those that fill more than half of an array come first, as they fit nowhere but in an empty one, and of these and the
    others those that take longest; each goes to the array with the least to do that has room for it.
    """
    sizes = items[:, 2] * items[:, 3]
    if sizes.sum() > arrays * rows * columns:
        return None
    order = np.lexsort([-sizes, -loads, sizes * 2 <= rows * columns])
    smallest = int(sizes.min(initial=0))
    held = [_Array() for _ in range(arrays)]
    heap = [(0.0, number) for number in range(arrays)]
    places = np.zeros((len(items), 3), np.int64)
    for item in order.tolist():
        weight, copy, height, width = items[item].tolist()
        skipped: list[tuple[float, int]] = []
        place = None
        while place is None and heap:
            load, number = heappop(heap)
            array = held[number]
            if array.copies.get(weight, copy) == copy:
                place = array.put(rows, columns, height, width)
            if place is None:
                skipped.append((load, number))
                continue
            array.copies[weight] = copy
            places[item] = (number, *place)
            if array.cells + smallest <= rows * columns:
                skipped.append((load + float(loads[item]), number))
        if place is None:
            return None
        for entry in skipped:
            heappush(heap, entry)
    return places
