"""Finds sparse matrices that are equal blocks under some order of rows and columns, where blocks may share rows.

An unrolled convolution is one: all outputs of one position need the same inputs, and the block of these is the kernel.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passes.analysis.blocks import identity
from passes.detect_block_diagonal.analysis.repetition import LEAST_SAVING, MOST_BLOCKS, Matrix, Table, block_cost

Hashes = npt.NDArray[np.uint64]
NONE = -1


@dataclass(frozen=True, eq=False)
class GatheredBlocks:
    """`blocks` [blocks, rows, columns] of a matrix [in, out]; what none of them holds is zero.

    Row r of block b is row `rows[b, r]` of the matrix, NONE for a row that no input belongs to, and its column c is
    column `columns[b, c]`, NONE for one that no output belongs to. A row of the matrix may be in several blocks, a
    column is in one at most. `different` of the blocks are different, which hold `cells` numbers.
    """

    blocks: Matrix
    rows: Table
    columns: Table
    different: int

    @property
    def cells(self) -> int:
        return self.different * self.blocks.shape[1] * self.blocks.shape[2]

    def cost(self, block_cost: int) -> int:
        """In cells: what is stored, what it takes to multiply by so many blocks, and to gather their inputs."""
        return self.cells + block_cost * len(self.blocks) + self.rows.size


def gathered_blocks(matrix: Matrix, array_rows: int, array_columns: int) -> GatheredBlocks | None:
    """The equal blocks of a matrix [in, out]; None if there are none, or if they save too little.

    Columns with nonzeros in the same rows are a block. Its columns stand in the order of what they hold, its rows in
    that of their numbers, so that blocks are equal whatever the order of the matrix; where columns hold the same
    numbers, the order is the matrix's. A block with fewer rows, at the edge of an image, is made equal to a larger one
    whose other rows get no input.
    """
    sample = matrix[:: -(-max(1, len(matrix)) // _SAMPLES)]
    if 2 * np.count_nonzero(sample) > sample.size:
        return None
    holds, support = _hashes(matrix)
    used = np.flatnonzero(support)
    if 2 * len(np.unique(holds[used])) > len(used):
        return None
    groups = _groups(support, used)
    if not 2 <= len(groups) <= MOST_BLOCKS:
        return None
    found = _merged(matrix, [_ordered(matrix, group, holds) for group in groups])
    cost = block_cost(array_rows, array_columns)
    whole = matrix.size + cost * -(-len(matrix) // array_rows) * -(-matrix.shape[1] // array_columns)
    if found.blocks.size > matrix.size or 2 * found.different > len(found.blocks):
        return None
    return found if found.cost(cost) <= (1 - LEAST_SAVING) * whole else None


_SAMPLES = 64
"""About so many rows are looked at before all are."""
_AT_ONCE = 256
"""Rows whose numbers are hashed at a time."""


def _hashes(matrix: Matrix) -> tuple[Hashes, Hashes]:
    """For each column a hash of its nonzeros, in whatever order, and one of the rows that they are in; 0 for none."""
    generator = np.random.default_rng(0)
    row_hash = generator.integers(1, 1 << 63, len(matrix), np.uint64) | np.uint64(1)
    holds, support = (np.zeros(matrix.shape[1], np.uint64) for _ in range(2))
    for first in range(0, len(matrix), _AT_ONCE):
        part = matrix[first : first + _AT_ONCE]
        mask = part != 0
        holds += np.where(mask, _mixed(part), np.uint64(0)).sum(axis=0, dtype=np.uint64)
        support += np.where(mask, row_hash[first : first + _AT_ONCE, None], np.uint64(0)).sum(axis=0, dtype=np.uint64)
    return holds, support


def _mixed(values: Matrix) -> Hashes:
    """A hash of each number: bits far from each other for numbers close to each other."""
    bits = (
        values.astype(np.float64).view(np.uint64)
        if values.dtype.kind == "f"
        else values.astype(np.int64).view(np.uint64)
    )
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _groups(support: Hashes, used: Table) -> list[Table]:
    """The columns with equal supports, in the order of their first one."""
    _, first, group = np.unique(support[used], return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    parts = np.split(used[order], np.flatnonzero(np.diff(group[order])) + 1)
    return [parts[i] for i in np.argsort(first)]


@dataclass(frozen=True, eq=False)
class _Block:
    """Rows and columns of a matrix, in the order in which blocks are compared, and what is there."""

    rows: Table
    columns: Table
    values: Matrix


def _ordered(matrix: Matrix, columns: Table, holds: Hashes) -> _Block:
    """The block of some columns with nonzeros in the same rows."""
    columns = columns[np.argsort(holds[columns], kind="stable")]
    rows = np.flatnonzero(matrix[:, columns[0]])
    values = matrix[np.ix_(rows, columns)]
    order = np.lexsort(values.T[::-1])
    return _Block(rows[order], columns, values[order])


def _merged(matrix: Matrix, blocks: Sequence[_Block]) -> GatheredBlocks:
    """All blocks as large as the largest, those that are parts of a frequent one made equal to it."""
    names = [identity(block.values) for block in blocks]
    frequent = _largest_often(blocks, names)
    wide = [
        block if name == identity(frequent.values) else _as_part(block, frequent) for block, name in zip(blocks, names)
    ]
    shape = max(len(b.rows) for b in wide), max(len(b.columns) for b in wide)
    values = np.zeros((len(wide), *shape), matrix.dtype)
    rows, columns = np.full((len(wide), shape[0]), NONE, np.int64), np.full((len(wide), shape[1]), NONE, np.int64)
    for number, block in enumerate(wide):
        values[number, : len(block.rows), : len(block.columns)] = block.values
        rows[number, : len(block.rows)], columns[number, : len(block.columns)] = block.rows, block.columns
    return GatheredBlocks(values, rows, columns, len({identity(block) for block in values}))


def _largest_often(blocks: Sequence[_Block], names: Sequence[Hashable]) -> _Block:
    """Of the blocks with most numbers one that occurs most often."""
    often = Counter(names)
    return max(zip(blocks, names), key=lambda pair: (pair[0].values.size, often[pair[1]]))[0]


def _as_part(block: _Block, whole: _Block) -> _Block:
    """A block as a larger one, some of whose rows get no input and some of whose columns are of no use; itself if not.

    Where every number is there once in the larger block, it tells row and column; else the columns have to be those of
    the larger one, in the order of the matrix, and the rows are looked for.
    """
    places = _places_by_value(block, whole)
    if places is None:
        places = _places_by_rows(block, whole)
    if places is None:
        return block
    rows, columns = np.full(len(whole.rows), NONE, np.int64), np.full(len(whole.columns), NONE, np.int64)
    rows[places[0]], columns[places[1]] = block.rows, block.columns
    return _Block(rows, columns, whole.values)


def _places_by_value(block: _Block, whole: _Block) -> tuple[Table, Table] | None:
    known, index = np.unique(whole.values, return_index=True)
    if len(known) != whole.values.size:
        return None
    at = np.searchsorted(known, block.values).clip(max=len(known) - 1)
    row, column = np.divmod(index[at], whole.values.shape[1])
    rows, columns = row[:, 0], column[0]
    return (rows, columns) if _is_there(block.values, whole.values, rows, columns) else None


def _places_by_rows(block: _Block, whole: _Block) -> tuple[Table, Table] | None:
    if len(block.columns) != len(whole.columns):
        return None
    columns = np.argsort(whole.columns)[np.argsort(np.argsort(block.columns))]
    row_of = {row.tobytes(): number for number, row in enumerate(np.ascontiguousarray(whole.values[:, columns]))}
    rows = np.array([row_of.get(row.tobytes(), NONE) for row in np.ascontiguousarray(block.values)], np.int64)
    return (rows, columns) if _is_there(block.values, whole.values, rows, columns) else None


def _is_there(values: Matrix, whole: Matrix, rows: Table, columns: Table) -> bool:
    """Whether these rows and columns of the whole, none twice, hold the values."""
    if (rows < 0).any() or len(np.unique(rows)) != len(rows) or len(np.unique(columns)) != len(columns):
        return False
    return np.array_equal(whole[np.ix_(rows, columns)], values)
