"""Blocks: what was hidden is found, whatever hides it, and nothing is found that is not there."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.detect_block_diagonal.analysis import block_structure
from passes.detect_block_diagonal.analysis.block_structure import (
    BlockStructure,
    almost_blocks,
    find_blocks,
    find_matrix_blocks,
    nonzeros,
)

Array = npt.NDArray[Any]
SHAPES = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=8)


def block_diagonal(shapes: list[tuple[int, int]], empty: tuple[int, int] = (0, 0)) -> Array:
    """Blocks of these shapes, numbered from 1, along the diagonal, then so many empty rows and columns."""
    rows, columns = (sum(shape[side] for shape in shapes) + empty[side] for side in (0, 1))
    matrix, row, column = np.zeros((rows, columns), np.float32), 0, 0
    for number, (height, width) in enumerate(shapes):
        matrix[row : row + height, column : column + width] = number + 1
        row, column = row + height, column + width
    return matrix


def check_covers(matrix: Array, structure: BlockStructure) -> None:
    """Every nonzero lies in a block, no row or column lies in two, and the orders make the matrix block-diagonal."""
    rest = matrix.copy()
    for block in structure.blocks:
        rest[np.ix_(block.rows, block.columns)] = 0
    assert not rest.any()
    p, q = structure.row_order(matrix.shape[0]), structure.column_order(matrix.shape[1])
    assert sorted(p) == list(range(matrix.shape[0]))
    assert sorted(q) == list(range(matrix.shape[1]))
    ordered, row, column = matrix[p][:, q], 0, 0
    for block in structure.blocks:
        height, width = len(block.rows), len(block.columns)
        np.testing.assert_array_equal(
            ordered[row : row + height, column : column + width], matrix[np.ix_(block.rows, block.columns)]
        )
        row, column = row + height, column + width


@given(SHAPES, st.tuples(st.integers(0, 3), st.integers(0, 3)), st.integers(0, 2**32 - 1))
def test_hidden_blocks_are_found(shapes: list[tuple[int, int]], empty: tuple[int, int], seed: int) -> None:
    """Any sizes, one-row blocks, duplicates, empty rows and columns; both sides permuted."""
    matrix = block_diagonal(shapes, empty)
    rng = np.random.default_rng(seed)
    matrix = matrix[rng.permutation(matrix.shape[0])][:, rng.permutation(matrix.shape[1])]
    structure = find_matrix_blocks(matrix)
    if sum(height * width for height, width in shapes) == matrix.size:
        assert structure is None
        return
    assert structure is not None
    assert sorted((len(block.rows), len(block.columns)) for block in structure.blocks) == sorted(shapes)
    for block in structure.blocks:
        assert len(np.unique(matrix[np.ix_(block.rows, block.columns)])) == 1
    firsts = [block.rows[0] for block in structure.blocks]
    assert firsts == sorted(firsts)
    check_covers(matrix, structure)


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 0.4), st.integers(0, 2**32 - 1))
def test_any_pattern_is_covered_by_the_finest_blocks(rows: int, columns: int, density: float, seed: int) -> None:
    """Compared with components found by closing the relation `touches` step by step."""
    nonzero = np.random.default_rng(seed).random((rows, columns)) < density
    structure = find_blocks(nonzero)
    touches: Array = np.eye(rows, dtype=bool) | (nonzero.astype(int) @ nonzero.T.astype(int) > 0)
    for _ in range(rows):
        touches = (touches.astype(int) @ touches.astype(int)) > 0
    components = {tuple(np.flatnonzero(touches[row])) for row in np.unique(np.nonzero(nonzero)[0])}
    stored = sum(len(part) * int(nonzero[list(part)].any(axis=0).sum()) for part in components)
    if structure is None:
        assert stored == nonzero.size
        return
    assert structure.stored == stored < nonzero.size
    assert {tuple(block.rows) for block in structure.blocks} == components
    check_covers(nonzero, structure)


@given(st.integers(2, 6), st.integers(1, 5), st.integers(1, 5))
def test_plain_blocks_need_no_permutation(count: int, height: int, width: int) -> None:
    structure = find_matrix_blocks(block_diagonal([(height, width)] * count))
    assert structure is not None
    assert structure.uniform == (count, height, width)
    assert structure.stored == count * height * width
    np.testing.assert_array_equal(structure.row_order(count * height), np.arange(count * height))
    np.testing.assert_array_equal(structure.column_order(count * width), np.arange(count * width))


def test_a_single_nonzero_between_blocks_joins_them() -> None:
    matrix = block_diagonal([(4, 4)] * 4)
    matrix[0, 15] = 1e-30
    structure = find_matrix_blocks(matrix)
    assert structure is not None
    assert structure.uniform is None
    assert [block.size for block in structure.blocks] == [64, 16, 16]
    matrix[4, 8] = matrix[8, 12] = np.nan
    assert find_matrix_blocks(matrix) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (3, 4)])
def test_nothing_is_found_in_a_full_matrix(shape: tuple[int, int]) -> None:
    assert find_matrix_blocks(np.ones(shape)) is None
    assert find_blocks(np.ones(shape, bool)) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (3, 4)])
def test_a_matrix_of_zeros_has_no_blocks(shape: tuple[int, int]) -> None:
    structure = find_matrix_blocks(np.full(shape, -0.0))
    assert structure is not None
    assert structure.blocks == ()
    assert structure.stored == 0
    assert structure.uniform is None
    np.testing.assert_array_equal(structure.row_order(3), np.arange(3))


def test_an_empty_matrix_has_no_blocks() -> None:
    assert find_matrix_blocks(np.zeros((0, 4))) is None
    assert find_matrix_blocks(np.zeros((4, 0))) is None


def test_a_full_first_row_and_column_are_not_enough_for_a_structure() -> None:
    matrix = np.zeros((3, 3))
    matrix[0] = matrix[:, 0] = 1
    assert find_matrix_blocks(matrix) is None
    assert find_blocks(matrix != 0) is None


def test_empty_rows_in_between_go_last() -> None:
    matrix = block_diagonal([(2, 2), (2, 2)])
    matrix[1] = 0
    structure = find_matrix_blocks(matrix)
    assert structure is not None
    np.testing.assert_array_equal(structure.row_order(4), [0, 2, 3, 1])
    assert structure.uniform is None


def test_nonzeros() -> None:
    matrix = np.array([[0.5, -0.1], [np.nan, -0.0]])
    np.testing.assert_array_equal(nonzeros(matrix), [[True, True], [True, False]])


@pytest.mark.parametrize("permuted", [False, True])
def test_almost_blocks(permuted: bool) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((64, 128)) * nonzeros(block_diagonal([(16, 32)] * 4))
    matrix += 1e-3 * rng.standard_normal(matrix.shape)
    if permuted:
        matrix = matrix[rng.permutation(64)][:, rng.permutation(128)]
    assert find_matrix_blocks(matrix) is None
    found = almost_blocks(matrix)
    assert found is not None
    assert found.structure.uniform == (4, 16, 32)
    assert found.count == 0.25
    assert 0.99999 < found.mass < 1
    assert str(found) == "99.99 % of the mass lies in 4 blocks"


def test_almost_blocks_of_int8() -> None:
    """-128 is as large as 128, which int8 does not hold; what is a hundredth of it or more is not pruned."""
    blocks = np.kron(np.eye(3), np.ones((4, 4))) > 0
    matrix = np.where(blocks, -128, 1).astype(np.int8)[:, np.random.default_rng(2).permutation(12)]
    found = almost_blocks(matrix)
    assert found is not None
    assert found.structure.uniform == (3, 4, 4)
    matrix = np.where(matrix == 1, 2, matrix)
    assert almost_blocks(matrix) is None


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.ones((1, 1)), np.ones((4, 6)), np.zeros((0, 3))])
def test_almost_nothing(matrix: Array) -> None:
    assert almost_blocks(matrix) is None


def test_noise_is_not_almost_blocks() -> None:
    assert almost_blocks(np.random.default_rng(3).standard_normal((96, 96))) is None


def test_a_share_is_that_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read some at a time, of which each has four values in its block and one outside."""
    matrix = np.kron(np.eye(10), np.full((4, 4), 3.0))
    matrix[np.arange(40), (np.arange(40) + 4) % 40] = 1.0
    whole = almost_blocks(matrix)
    assert whole is not None
    assert (whole.mass, whole.count) == (36 / 37, 0.8)
    for rows in (1, 7, 40):
        monkeypatch.setattr(block_structure, "_AT_ONCE", rows)
        found = almost_blocks(matrix)
        assert found is not None
        assert (found.mass, found.count) == (whole.mass, whole.count)


def test_rows_of_zeros_show_nothing() -> None:
    matrix = np.zeros((96, 96))
    assert almost_blocks(matrix) is None
    matrix[1, 1] = 1.0  # in a row that is not looked at
    assert almost_blocks(matrix) is None
