"""Block extraction: every nonzero exactly once, in fewer arrays than before, and blocks that are there are found."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.detect_block_diagonal.analysis.block_extraction import arrays_of, extract_blocks
from passes.detect_block_diagonal.analysis.block_structure import Block

Mask = npt.NDArray[np.bool_]
SEEDS = st.integers(0, 2**32 - 1)


def check_blocks(nonzero: Mask, blocks: tuple[Block, ...], array_rows: int, array_columns: int) -> None:
    times = np.zeros(nonzero.shape, int)
    for block in blocks:
        assert 1 <= len(block.rows) <= array_rows
        assert 1 <= len(block.columns) <= array_columns
        times[np.ix_(block.rows, block.columns)] += 1
        assert nonzero[np.ix_(block.rows, block.columns)].any(axis=0).any()
    assert times.max(initial=0) <= 1
    assert times[nonzero].all()
    assert arrays_of(blocks, array_rows, array_columns) < -(-nonzero.size // (array_rows * array_columns))
    assert sum(block.size for block in blocks) <= 0.75 * nonzero.size


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 16), st.integers(1, 16)),
    st.floats(0, 0.6),
    SEEDS,
)
def test_any_pattern(shape: tuple[int, int], array: tuple[int, int], density: float, seed: int) -> None:
    nonzero = np.random.default_rng(seed).random(shape) < density
    blocks = extract_blocks(nonzero, *array)
    if blocks is not None:
        check_blocks(nonzero, blocks, *array)


@given(st.lists(st.tuples(st.integers(8, 16), st.integers(8, 16)), min_size=3, max_size=6), SEEDS)
def test_hidden_blocks_are_found(shapes: list[tuple[int, int]], seed: int) -> None:
    """Blocks of any shapes, no row or column in two, under permutations of both sides."""
    rng = np.random.default_rng(seed)
    rows, columns = (sum(shape[side] for shape in shapes) for side in (0, 1))
    nonzero, row, column = np.zeros((rows, columns), bool), 0, 0
    for height, width in shapes:
        nonzero[row : row + height, column : column + width] = True
        row, column = row + height, column + width
    nonzero = nonzero[rng.permutation(rows)][:, rng.permutation(columns)]
    blocks = extract_blocks(nonzero, 16, 16)
    assert blocks is not None
    check_blocks(nonzero, blocks, 16, 16)
    assert sorted((len(block.rows), len(block.columns)) for block in blocks) == sorted(shapes)


def test_blocks_that_share_rows() -> None:
    """A stair: each block shares half its rows with the next, so all are one component."""
    nonzero = np.zeros((80, 128), bool)
    for step in range(8):
        nonzero[8 * step : 8 * step + 16, 16 * step : 16 * step + 16] = True
    rng = np.random.default_rng(0)
    nonzero = nonzero[rng.permutation(80)][:, rng.permutation(128)]
    blocks = extract_blocks(nonzero, 16, 16)
    assert blocks is not None
    check_blocks(nonzero, blocks, 16, 16)
    assert [len(block.rows) * len(block.columns) for block in blocks] == [256] * 8
    assert arrays_of(blocks, 16, 16) == 8


@given(st.floats(0, 0.3), SEEDS)
def test_blocks_with_a_common_column_have_all_in_common(density: float, seed: int) -> None:
    nonzero = np.random.default_rng(seed).random((48, 24)) < density
    blocks = extract_blocks(nonzero, 8, 8)
    if blocks is not None:
        check_blocks(nonzero, blocks, 8, 8)
        groups = {tuple(block.columns) for block in blocks}
        assert sorted(column for group in groups for column in group) == list(np.flatnonzero(nonzero.any(axis=0)))


def test_few_nonzeros_anywhere() -> None:
    nonzero = np.random.default_rng(0).random((256, 256)) < 0.01
    blocks = extract_blocks(nonzero, 32, 32)
    assert blocks is not None
    check_blocks(nonzero, blocks, 32, 32)
    assert arrays_of(blocks, 32, 32) <= 4
    assert len(blocks) < np.count_nonzero(nonzero) / 2


def test_blocks_with_holes_and_nonzeros_outside() -> None:
    rng = np.random.default_rng(0)
    nonzero = np.kron(np.eye(8, dtype=bool), np.ones((32, 32), bool)) & (rng.random((256, 256)) < 0.9)
    outside = rng.integers(0, 256, (2, 10))
    nonzero[outside[0], outside[1]] = True
    nonzero = nonzero[rng.permutation(256)][:, rng.permutation(256)]
    blocks = extract_blocks(nonzero, 64, 64)
    assert blocks is not None
    check_blocks(nonzero, blocks, 64, 64)
    assert arrays_of(blocks, 64, 64) <= 2
    assert len(blocks) <= 8 + 10


def test_a_high_block_is_cut_evenly() -> None:
    nonzero = np.zeros((40, 40), bool)
    nonzero[:34, 7:12] = True
    blocks = extract_blocks(nonzero, 16, 16)
    assert blocks is not None
    check_blocks(nonzero, blocks, 16, 16)
    assert [len(block.rows) for block in blocks] == [12, 11, 11]


def test_how_much_has_to_be_saved() -> None:
    nonzero = np.ones((32, 32), bool)
    nonzero[:8] = False
    assert extract_blocks(nonzero, 16, 16) is not None
    assert extract_blocks(nonzero, 8, 8) is not None
    nonzero[7] = True
    assert extract_blocks(nonzero, 16, 16) is None
    assert extract_blocks(nonzero, 8, 8) is None


def test_zeros_need_no_array() -> None:
    assert extract_blocks(np.zeros((3, 4), bool), 2, 2) == ()


@pytest.mark.parametrize(
    ("nonzero", "array"),
    [
        (np.ones((8, 8), bool), 4),
        (np.ones((1, 1), bool), 4),
        (np.eye(8, dtype=bool), 8),
        (np.zeros((0, 4), bool), 4),
        (np.random.default_rng(0).random((64, 64)) < 0.97, 16),
        (np.random.default_rng(0).random((64, 64)) < 0.76, 8),
        (np.ones((24, 24), bool), 16),
    ],
)
def test_nothing_is_saved(nonzero: Mask, array: int) -> None:
    assert extract_blocks(nonzero, array, array) is None
