"""Finds the order of rows and columns in which a shuffled matrix has blocks that repeat along its diagonals.

Two rows that lie one block apart hold the same numbers, but for a block: where these come again says which column
follows which. Two such columns say which row follows which. Chains of columns and of rows are the blocks' order; where
the first of a chain follows its last, the matrix is circulant.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from passes.detect_block_diagonal.analysis.repetition import Cut, Matrix, Order, Table, repeated_blocks

Hashes = npt.NDArray[np.uint64]


def shuffled_blocks(matrix: Matrix, array_rows: int, array_columns: int) -> Cut | None:
    """As `repeated_blocks`, of the matrix in the order in which it repeats."""
    order = repeating_order(matrix)
    if order is None:
        return None
    cut = repeated_blocks(matrix[np.ix_(order.rows, order.columns)], array_rows, array_columns)
    return None if cut is None else replace(cut, order=order)


def repeating_order(matrix: Matrix) -> Order | None:
    """The order in which a matrix [in, out] without zeros may have repeated blocks; None where no such order is seen.

    A matrix whose rows or columns hold a number twice is given up unless it is circulant.
    """
    if min(matrix.shape) < _LEAST or not _comes_again(matrix):
        return None
    row = len(matrix) // 2
    order = _by_values(matrix, row) if len(np.unique(matrix[row])) == matrix.shape[1] else None
    return _by_symmetry(matrix, row) if order is None else order


_LEAST = 8
"""Rows and columns of the smallest matrix that is looked at."""
_PROBES = 4
_LARGE = 1 << 20
"""Numbers of a matrix of which one is looked for, not `_PROBES`."""
_TRIED = 4
"""Rows that may follow a row, of which so many are tried."""


def _comes_again(matrix: Matrix) -> bool:
    """Whether a number of the matrix is there more than once: of a small one it may be one that is not."""
    probes = min(_PROBES, 1 + _LARGE // matrix.size)
    columns = (2 * np.arange(probes) + 1) * matrix.shape[1] // (2 * probes)
    return any(np.count_nonzero(matrix == number) > 1 for number in matrix[len(matrix) // 2, columns])


def _by_values(matrix: Matrix, row: int) -> Order | None:
    """The order by rows that share most numbers with `row`, in which each is there once."""
    shared = np.zeros(len(matrix), np.int64)
    for first in range(0, len(matrix), _AT_ONCE):
        shared[first : first + _AT_ONCE] = np.isin(matrix[first : first + _AT_ONCE], matrix[row]).sum(axis=1)
    shared[row] = -1
    longest: Order | None = None
    most = 0
    for other in np.argsort(-shared, kind="stable")[:_TRIED].tolist():
        if 2 * shared[other] < matrix.shape[1]:
            break
        columns = _chains(_followers(matrix[row], matrix[other]))
        if columns is None or columns.shape[1] <= max(1, most):
            continue
        rows = _chains(_followers(matrix[:, columns[0, 0]], matrix[:, columns[0, 1]]))
        if rows is not None and rows.shape[1] > 1:
            longest, most = Order(rows.T.reshape(-1), columns.T.reshape(-1)), columns.shape[1]
    return longest


_AT_ONCE = 256
"""Rows that are compared at a time."""


def _followers(numbers: Matrix, next_numbers: Matrix) -> Table | None:
    """For each position where its number stands among the next ones, -1 for nowhere; None if one is there twice."""
    if len(np.unique(next_numbers)) != len(next_numbers) or len(np.unique(numbers)) != len(numbers):
        return None
    order = np.argsort(next_numbers)
    at = np.searchsorted(next_numbers[order], numbers).clip(max=len(order) - 1)
    return np.where(next_numbers[order[at]] == numbers, order[at], -1).astype(np.int64)


def _chains(follower: Table | None) -> Table | None:
    """Chains [chains, length] of positions, each the follower of the one before; cycles begin anywhere.

    None if they are not equally long.
    """
    if follower is None:
        return None
    is_first = np.ones(len(follower), np.bool_)
    is_first[follower[follower >= 0]] = False
    left, next_of = np.ones(len(follower), np.bool_), follower.tolist()
    chains: list[list[int]] = []
    for first in [*np.flatnonzero(is_first).tolist(), *range(len(next_of))]:
        chain: list[int] = []
        position = first
        while position >= 0 and left[position]:
            left[position] = False
            chain.append(position)
            position = next_of[position]
        if chain:
            chains.append(chain)
    return np.array(chains, np.int64) if len({len(chain) for chain in chains}) == 1 else None


def _by_symmetry(matrix: Matrix, row: int) -> Order | None:
    """The order of a circulant matrix, by a way to exchange its rows and columns that changes nothing.

    Rows and columns are told apart by what they hold and by how they meet `row`; what another row is told apart by in
    the same way is where it is moved to.
    """
    bits = np.ascontiguousarray(matrix).view(f"i{matrix.itemsize}")
    sums = bits.sum(axis=1, dtype=np.int64)
    alike = np.sort(bits[row])
    others = np.array(
        [r for r in np.flatnonzero(sums == sums[row]).tolist() if np.array_equal(np.sort(bits[r]), alike)]
    )
    if len(others) < 2:
        return None
    values = _mixed(bits.astype(np.int64).view(np.uint64))
    known = _told_apart(values, row)
    longest: tuple[Table, Table] | None = None
    for other in others[others != row][:_TRIED].tolist():
        moved = None if known is None else _told_apart(values, other)
        if known is None or moved is None:
            return None
        rows, columns = (_chains(_followers(a, b)) for a, b in zip(known, moved, strict=True))
        if rows is None or columns is None or rows.shape[1] != columns.shape[1]:
            continue
        if longest is None or rows.shape[1] > longest[0].shape[1]:
            longest = rows, columns
        if longest[0].shape[1] == len(others):
            break
    return None if longest is None else Order(longest[0].T.reshape(-1), longest[1].T.reshape(-1))


def _told_apart(values: Hashes, row: int) -> tuple[Hashes, Hashes] | None:
    """A hash for each row and each column by how it is related to `row`; None if some have the same."""
    rows, columns = np.zeros(len(values), np.uint64), np.zeros(values.shape[1], np.uint64)
    rows[row] = 1
    known = 0
    while True:
        columns = _row_hashes(values.T, rows)
        rows = _row_hashes(values, columns)
        different = len(np.unique(rows)) + len(np.unique(columns))
        if different == sum(values.shape):
            return rows, columns
        if different <= known:
            return None
        known = different


def _row_hashes(values: Hashes, columns: Hashes) -> Hashes:
    """A hash for each row of the numbers in it, each together with its column's hash, in whatever order."""
    hashes = np.empty(len(values), np.uint64)
    for first in range(0, len(values), _AT_ONCE):
        hashes[first : first + _AT_ONCE] = _mixed(values[first : first + _AT_ONCE] ^ columns).sum(
            axis=1, dtype=np.uint64
        )
    return _mixed(hashes)


def _mixed(bits: Hashes) -> Hashes:
    """Numbers far from each other for numbers close to each other."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
