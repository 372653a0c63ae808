"""Finds matrices whose blocks repeat along diagonals, and cuts them so that few of their blocks are different."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passes.analysis.blocks import identity

Matrix = npt.NDArray[Any]
Table = npt.NDArray[np.int64]

MOST_BLOCKS = 4096
"""Into more blocks no matrix is cut: each is multiplied by itself, which takes a record and time."""
LEAST_SAVING = 0.25
"""Of a matrix, what blocks have to save at least."""


@dataclass(frozen=True, eq=False)
class Order:
    """Orders of a matrix's rows and columns."""

    rows: Table
    columns: Table


@dataclass(frozen=True, eq=False)
class Cut:
    """Rectangles int64 [blocks, (first row, first column, rows, columns)] that hold all nonzeros of a matrix.

    `cells` are those of the blocks that are different, `different` how many these are. With an `order`, they are
    rectangles of `matrix[rows][:, columns]`.
    """

    rectangles: Table
    different: int
    cells: int
    order: Order | None = None

    def cost(self, block_cost: int) -> int:
        """In cells: what is stored, and what it takes to multiply by so many blocks."""
        return self.cells + block_cost * len(self.rectangles)


def repeated_blocks(matrix: Matrix, array_rows: int, array_columns: int) -> Cut | None:
    """The cheapest cut of a matrix [in, out] with equal blocks along its diagonals; None if none saves enough.

    Blocks fit an array, or are the smallest that repeat. Larger blocks are fewer, but more of them are different.
    """
    shift = repeated_shift(matrix)
    if shift is None:
        return None
    cost = block_cost(array_rows, array_columns)
    spans, sizes = row_spans(matrix), _sizes(shift, matrix.shape, array_rows, array_columns)
    cuts = [cut for size in sizes for cut in _cuts(matrix, spans, *size)]
    best = min(cuts, key=lambda cut: cut.cost(cost), default=None)
    whole = matrix.size + cost * -(-len(matrix) // array_rows) * -(-matrix.shape[1] // array_columns)
    if best is None or best.cost(cost) > (1 - LEAST_SAVING) * whole or best.cells > (1 - LEAST_SAVING) * matrix.size:
        return None
    return best


def block_cost(array_rows: int, array_columns: int) -> int:
    """The cells that are worth one block less."""
    return max(array_rows, array_columns) // 4


def repeated_shift(matrix: Matrix) -> tuple[int, int] | None:
    """The smallest shift (rows, columns), by columns first, that moves the matrix onto itself; None if there is none.

    It is at most half as long as the matrix is. Candidates are where an entry of the first columns comes again, a few
    other entries decide between them, and of what is left all entries are compared. So a matrix without repetition is
    looked through once.
    """
    anchor = _anchor(matrix)
    if anchor is None or _is_one_vector(matrix):
        return None
    row, column = anchor
    last = row + 1 + -(-len(matrix) // 2), column + 1 + -(-matrix.shape[1] // 2)
    again = matrix[row + 1 : last[0], column + 1 : last[1]] == matrix[row, column]
    if not again.any():
        return None
    rows, columns = np.nonzero(again)
    candidates = np.stack([rows + 1, columns + 1], axis=1)
    if len(candidates) > _MOST_CANDIDATES:
        return None
    candidates = _agreeing(matrix, candidates)
    candidates = candidates[np.lexsort([candidates[:, 0], candidates[:, 1]])]
    for down, across in candidates[:_TRIED].tolist():
        overlap = matrix[down:, across:]
        if np.array_equal(overlap, matrix[: overlap.shape[0], : overlap.shape[1]]):
            return down, across
    return None


def _is_one_vector(matrix: Matrix) -> bool:
    """Whether all rows are equal, or all columns: every shift then moves the matrix onto itself."""
    return any(np.array_equal(m[0], m[-1]) and bool((m == m[0]).all()) for m in (matrix, matrix.T))


_MOST_CANDIDATES = 1 << 21
"""Where an entry comes again more often than this, it says nothing."""
_AT_ONCE = 64
"""Rows looked at together."""
_PROBES = 24
_TRIED = 8
"""Candidates that are compared in full."""


def _anchor(matrix: Matrix) -> tuple[int, int] | None:
    """An entry of the first column that is not zero everywhere: a rare value, but not zero."""
    if min(matrix.shape) < 2:
        return None
    column = next((c for c in range(min(matrix.shape[1] // 2, _PEEKED)) if matrix[:, c].any()), None)
    if column is None:
        return None
    rows = np.flatnonzero(matrix[: max(1, len(matrix) // 2), column])
    if not len(rows):
        return None
    values, counts = np.unique(matrix[:, column], return_counts=True)
    rare = counts[np.searchsorted(values, matrix[rows, column])]
    return int(rows[rare.argmin()]), column


_PEEKED = 64
"""Columns looked at for one that is not zero."""


def _agreeing(matrix: Matrix, candidates: Table) -> Table:
    """The shifts that move a few entries of the matrix, others for each, onto equal ones."""
    left, size = candidates, np.array(matrix.shape)
    generator = np.random.default_rng(0)
    for _ in range(_PROBES):
        from_ = (generator.random((len(left), 2)) * (size - left)).astype(np.int64)
        to = from_ + left
        left = left[matrix[from_[:, 0], from_[:, 1]] == matrix[to[:, 0], to[:, 1]]]
    return left


def _sizes(
    shift: tuple[int, int], shape: tuple[int, ...], array_rows: int, array_columns: int
) -> Iterator[tuple[int, int]]:
    """Multiples of the shift up to the size of an array, of which a cut is tried."""
    down, across = shift
    most = max(1, min(array_rows // down, array_columns // across, -(-shape[0] // down), -(-shape[1] // across)))
    multiples = {most, *(1 << power for power in range(most.bit_length()))}
    for times in sorted(multiples):
        yield times * down, times * across


def _cuts(matrix: Matrix, spans: tuple[Table, Table], height: int, width: int) -> Iterator[Cut]:
    """The matrix on a grid of blocks of this size, without those of zeros; and in strips of columns, if few enough."""
    rows, columns = matrix.shape
    if -(-columns // width) > MOST_BLOCKS:
        return
    yield cut_of(matrix, _strips(spans, width))
    if -(-rows // height) * -(-columns // width) <= MOST_BLOCKS:
        yield cut_of(matrix, _grid(matrix, height, width))


def _grid(matrix: Matrix, height: int, width: int) -> Table:
    rows, columns = _steps(len(matrix), height), _steps(matrix.shape[1], width)
    filled = np.add.reduceat(np.add.reduceat(matrix != 0, rows, axis=0, dtype=np.int64), columns, axis=1)
    row, column = np.nonzero(filled)
    first = np.stack([rows[row], columns[column]], axis=1)
    return np.concatenate([first, np.minimum([height, width], np.array(matrix.shape) - first)], axis=1)


def _steps(count: int, step: int) -> Table:
    return np.arange(0, count, step, dtype=np.int64)


def _strips(spans: tuple[Table, Table], width: int) -> Table:
    """For each strip of columns the rows from its first nonzero to its last."""
    first, last = spans
    starts = _steps(len(first), width)
    top, bottom = np.minimum.reduceat(first, starts), np.maximum.reduceat(last, starts)
    widths = np.minimum(width, len(first) - starts)
    return np.stack([top, starts, bottom - top, widths], axis=1)[bottom > top]


def row_spans(matrix: Matrix) -> tuple[Table, Table]:
    """The first row with a nonzero of each column and the one behind its last; all rows and 0 for a column of zeros."""
    rows, columns = matrix.shape
    first, last = np.full(columns, rows, np.int64), np.zeros(columns, np.int64)
    for begin in range(0, rows, _AT_ONCE):
        mask = matrix[begin : begin + _AT_ONCE] != 0
        filled = mask.any(axis=0)
        if filled.any():
            first[filled] = np.minimum(first[filled], begin + mask[:, filled].argmax(axis=0))
            last[filled] = begin + len(mask) - mask[::-1, filled].argmax(axis=0)
    return first, last


def cut_of(matrix: Matrix, rectangles: Table) -> Cut:
    """The cut with these blocks: their bytes tell which are equal."""
    size_of: dict[Hashable, int] = {}
    for row, column, rows, columns in rectangles.tolist():
        size_of[identity(matrix[row : row + rows, column : column + columns])] = rows * columns
    return Cut(rectangles, len(size_of), sum(size_of.values()))
