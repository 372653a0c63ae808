"""Finds blocks of a matrix, whatever order its rows and columns are in: the connected components of its nonzeros."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Block:
    """A dense rectangle of a matrix: `matrix[np.ix_(rows, columns)]`, both ascending."""

    rows: Indices
    columns: Indices

    @property
    def size(self) -> int:
        return len(self.rows) * len(self.columns)


@dataclass(frozen=True, eq=False)
class BlockStructure:
    """Blocks that hold all nonzeros of a matrix and share no row and no column, by ascending first row.

    Rows and columns of zeros belong to no block. A matrix of zeros has no blocks.
    """

    blocks: tuple[Block, ...]

    @property
    def stored(self) -> int:
        """Weights that have to be stored: the sum of the blocks' sizes."""
        return sum(block.size for block in self.blocks)

    @property
    def uniform(self) -> tuple[int, int, int] | None:
        """(count, rows, columns) if there are blocks and all have one shape, else None."""
        shapes = {(len(block.rows), len(block.columns)) for block in self.blocks}
        return (len(self.blocks), *shapes.pop()) if len(shapes) == 1 else None

    def row_order(self, rows: int) -> Indices:
        """The order of a matrix's rows that makes it plainly block-diagonal: block by block, then the empty rows.

        With `p = row_order(in)` and `q = column_order(out)`, `matrix[p][:, q]` has its blocks one after the other
        along the diagonal, and `x @ matrix` is `(x[:, p] @ matrix[p][:, q])[:, argsort(q)]`.
        """
        return _order([block.rows for block in self.blocks], rows)

    def column_order(self, columns: int) -> Indices:
        """The same for the columns."""
        return _order([block.columns for block in self.blocks], columns)


def _order(parts: list[Indices], length: int) -> Indices:
    used = np.concatenate([*parts, np.zeros(0, np.int64)])
    empty = np.ones(length, bool)
    empty[used] = False
    return np.concatenate([used, np.flatnonzero(empty)])


def nonzeros(matrix: Array) -> Mask:
    """Where a matrix differs from zero. NaN counts as nonzero, -0.0 as zero."""
    return np.not_equal(matrix, 0)


def find_matrix_blocks(matrix: Array) -> BlockStructure | None:
    """`find_blocks` of the nonzeros of a matrix; of one whose first row and column are full it reads no more."""
    if nonzeros(matrix[:1]).all() and nonzeros(matrix[:, :1]).all():
        return None
    return find_blocks(nonzeros(matrix))


def find_blocks(nonzero: Mask) -> BlockStructure | None:
    """The finest blocks that hold all nonzeros [in, out]; None if storing them takes as much as the whole matrix.

    Rows and columns are the two sides of a bipartite graph, nonzeros its edges, and blocks its connected components.
    They are walked through breadth first; each row and each column is read once.
    """
    if nonzero.all():
        return None
    free_rows, free_columns = _any(nonzero, axis=1), _any(nonzero, axis=0)
    blocks: list[Block] = []
    for first in np.flatnonzero(free_rows):
        if free_rows[first]:
            blocks.append(_take_component(nonzero, int(first), free_rows, free_columns))
    structure = BlockStructure(tuple(blocks))
    return structure if structure.stored < nonzero.size else None


def _take_component(nonzero: Mask, first: int, free_rows: Mask, free_columns: Mask) -> Block:
    """The component of row `first`; its rows and columns are then no longer free."""
    rows, columns = [np.array([first], np.int64)], [np.zeros(0, np.int64)]
    free_rows[first] = False
    while len(rows[-1]):
        columns.append(_reached(nonzero, rows[-1], free_columns))
        rows.append(_reached(nonzero.T, columns[-1], free_rows))
    return Block(np.sort(np.concatenate(rows)), np.sort(np.concatenate(columns)))


def _reached(nonzero: Mask, sources: Indices, free: Mask) -> Indices:
    """The free targets that have a nonzero in a source [source, target]; they are then no longer free."""
    reached = np.zeros(len(free), bool)
    for first in range(0, len(sources), _AT_ONCE):
        reached |= _any(nonzero[sources[first : first + _AT_ONCE]], axis=0)
    reached &= free
    free[reached] = False
    return np.flatnonzero(reached)


def _any(nonzero: Mask, axis: int) -> Mask:
    return np.asarray(nonzero.any(axis=axis))


_AT_ONCE = 64
"""Rows gathered at a time, so that no second copy of a large matrix is made."""


@dataclass(frozen=True, eq=False)
class AlmostBlocks:
    """Blocks that hold nearly everything: what would be gained, and lost, if the rest were zero."""

    structure: BlockStructure
    mass: float
    """Share of the sum of squares that lies in the blocks, 0 to 1."""
    count: float
    """Share of the nonzeros that lies in the blocks, 0 to 1."""

    def __str__(self) -> str:
        percent = np.floor(self.mass * 10_000) / 100  # 100 % is said of nothing less
        return f"{percent:.2f} % of the mass lies in {len(self.structure.blocks)} blocks"


def almost_blocks(matrix: Array) -> AlmostBlocks | None:
    """The pattern of fewest stored weights that holds at least the share `LEAST_MASS` of the sum of squares.

    Looked at are plain block-diagonal patterns of equal blocks, as many as divide both sides, and the components of
    what is not below a hundredth of the largest value. It is meant for reports and for matrices for which `find_blocks`
    finds nothing. A few rows are looked at first, and the rest only if these look promising; so a dense matrix costs
    next to nothing, but a pattern that these rows do not show is not found.
    """
    rows, columns = matrix.shape
    if not matrix.size:
        return None
    sample: Indices = np.unique(np.arange(_SAMPLES) * (rows - 1) // (_SAMPLES - 1))
    peeked = np.abs(_wide(matrix[sample]))
    candidates = [
        _plain_blocks(rows, columns, blocks)
        for blocks in _common_divisors(rows, columns)
        if _plain_share(peeked, sample, rows, blocks) >= (1 / blocks + LEAST_MASS) / 2
    ]
    threshold = float(peeked.max()) / 100
    shown = find_blocks(peeked >= threshold)
    if threshold > 0 and shown is not None and shown.stored < 0.9 * peeked.size:
        pruned = find_blocks(~(np.abs(_wide(matrix)) < threshold))
        candidates += [pruned] if pruned is not None else []
    measured = (_measure(matrix, structure) for structure in candidates if structure.stored < matrix.size)
    good = [almost for almost in measured if almost.mass >= LEAST_MASS]
    return min(good, key=lambda almost: almost.structure.stored, default=None)


LEAST_MASS = 0.9
"""Blocks that hold less of a matrix are not worth a note."""

_SAMPLES = 32
"""Rows looked at before a matrix is read as a whole."""


def _wide(matrix: Array) -> Array:
    """The same numbers, integers as int32: int8 does not hold 128, the size of -128."""
    return matrix if matrix.dtype.kind == "f" else matrix.astype(np.int32)


def _common_divisors(rows: int, columns: int) -> Iterator[int]:
    return (blocks for blocks in range(2, min(rows, columns) + 1) if rows % blocks == columns % blocks == 0)


def _plain_blocks(rows: int, columns: int, blocks: int) -> BlockStructure:
    heights, widths = np.split(np.arange(rows), blocks), np.split(np.arange(columns), blocks)
    return BlockStructure(tuple(Block(*sides) for sides in zip(heights, widths, strict=True)))


def _plain_share(peeked: Array, sample: Indices, rows: int, blocks: int) -> float:
    """The share of the squares of the sampled rows that lies in the plain pattern of so many blocks."""
    squares = np.square(peeked, dtype=np.float64)
    parts = squares.reshape(len(sample), blocks, -1).sum(axis=2)
    total = float(parts.sum())
    return float(parts[np.arange(len(sample)), sample // (rows // blocks)].sum()) / total if total > 0 else 0.0


def _measure(matrix: Array, structure: BlockStructure) -> AlmostBlocks:
    mass = count = mass_within = count_within = 0.0
    block_of_row, block_of_column = np.full(len(matrix), -1), np.full(matrix.shape[1], -2)
    for number, block in enumerate(structure.blocks):
        block_of_row[block.rows], block_of_column[block.columns] = number, number
    for first in range(0, len(matrix), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        squares = np.square(_wide(matrix[part]), dtype=np.float64)
        within = block_of_row[part, None] == block_of_column
        mass, count = mass + float(squares.sum()), count + np.count_nonzero(squares)
        mass_within += float(squares.sum(where=within))
        count_within += np.count_nonzero(squares[within])
    return AlmostBlocks(structure, mass_within / mass, count_within / count) if count else AlmostBlocks(structure, 0, 0)
