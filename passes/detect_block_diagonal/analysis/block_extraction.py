"""Cuts dense blocks out of irregular sparsity: few tiles, of an array's size at most, that hold all nonzeros."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from passes.detect_block_diagonal.analysis.block_structure import Block

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LEAST_SAVING = 0.25
"""Blocks that leave out less of a matrix are not worth their permutations."""


def extract_blocks(nonzero: Mask, array_rows: int, array_columns: int) -> tuple[Block, ...] | None:
    """Blocks of at most `array_rows` x `array_columns` that hold every nonzero [in, out] exactly once.

    Blocks may share rows or share columns, but no two share both. None unless they leave out at least the share
    `LEAST_SAVING` of the matrix and need fewer arrays than the whole of it, both counted without waste; so neither the
    few zeros of a quantised matrix count as sparsity, nor does a better fit of its edges. Columns that are nonzero in
    much the same rows are put together; blocks with a common column have all columns in common. The same matrix always
    gives the same blocks.
    """
    dense = -(-nonzero.size // (array_rows * array_columns))
    most = (1 - LEAST_SAVING) * nonzero.size
    stored = np.count_nonzero(nonzero)
    if stored > most or -(-stored // (array_rows * array_columns)) >= dense:
        return None
    block_cost = max(array_rows, array_columns) // 4
    blocks = _by_columns(nonzero, array_rows, array_columns, block_cost)
    if sum(block.size for block in blocks) > most or arrays_of(blocks, array_rows, array_columns) >= dense:
        return None
    return blocks


def arrays_of(blocks: tuple[Block, ...], array_rows: int, array_columns: int) -> int:
    """The arrays that hold the weights of these blocks if none is wasted."""
    return -(-sum(block.size for block in blocks) // (array_rows * array_columns))


def _by_columns(nonzero: Mask, most_rows: int, most_columns: int, block_cost: int) -> tuple[Block, ...]:
    """Every column in one group; a group's block has the rows that any of its columns needs, cut where too high."""
    blocks: list[Block] = []
    for columns in _groups(nonzero, most_columns, block_cost):
        rows = np.flatnonzero(nonzero[:, columns].any(axis=1))
        pieces = np.array_split(rows, -(-len(rows) // most_rows))
        blocks += [Block(piece, columns) for piece in pieces]
    return tuple(blocks)


def _groups(nonzero: Mask, most_columns: int, block_cost: int) -> list[Indices]:
    """Groups of columns with few zeros in the rows they need together, greedily.

    A group begins with the fullest column that is left. The column that enlarges it least, compared with a block of
    its own, joins it, as long as that is by at most `block_cost` weights: what a block more is worth avoiding.
    """
    heights = np.count_nonzero(nonzero, axis=0)
    free: Mask = heights > 0
    if not _have_partners(nonzero, heights, block_cost):
        return [np.array([column], np.int64) for column in np.flatnonzero(free)]
    columns_of = [np.flatnonzero(row) for row in nonzero]
    groups: list[Indices] = []
    while free.any():
        group = [int(np.where(free, heights, 0).argmax())]
        free[group] = False
        needed = nonzero[:, group[0]].copy()
        height = int(heights[group[0]])
        common = _entries(columns_of, np.flatnonzero(needed), len(free))
        while len(group) < most_columns:
            together = height + heights - common
            growth = together * (len(group) + 1) - height * len(group) - heights
            best = int(np.where(free, growth, _NEVER).argmin())
            if growth[best] > block_cost or not free[best]:
                break
            added = np.flatnonzero(nonzero[:, best] & ~needed)
            needed[added], free[best] = True, False
            height += len(added)
            common += _entries(columns_of, added, len(free))
            group.append(best)
        groups.append(np.sort(np.array(group, np.int64)))
    return groups


def _have_partners(nonzero: Mask, heights: Indices, block_cost: int) -> bool:
    """Whether an eighth of a few columns of all heights have one that differs in at most `block_cost` rows.

    If hardly any has, grouping is not worth the time: every column makes a block.
    """
    used = np.flatnonzero(heights)
    seeds = used[np.argsort(heights[used], kind="stable")][:: max(1, len(used) // _SAMPLES)]
    common = np.zeros((len(seeds), len(used)), np.float32)
    for first in range(0, len(nonzero), _AT_ONCE):
        part = nonzero[first : first + _AT_ONCE].astype(np.float32)
        common += part[:, seeds].T @ part[:, used]
    differences = heights[seeds, None] + heights[used] - 2 * common
    close = np.count_nonzero(differences <= block_cost, axis=1) > 1  # every column is close to itself
    return int(np.count_nonzero(close)) * 8 >= len(seeds)


_SAMPLES = 64
"""About so many columns are looked at before columns are grouped."""

_AT_ONCE = 256
"""Rows converted to float at a time."""

_NEVER = np.iinfo(np.int64).max


def _entries(columns_of: Sequence[Indices], rows: Indices, columns: int) -> Indices:
    """How many of these rows have a nonzero in each column."""
    if not len(rows):
        return np.zeros(columns, np.int64)
    return np.bincount(np.concatenate([columns_of[int(row)] for row in rows]), minlength=columns)
