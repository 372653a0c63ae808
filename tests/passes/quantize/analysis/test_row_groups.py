"""Groups of rows as blocks: their products add up to those of the weight."""

import numpy as np
import pytest
from xdsl.dialects.builtin import StringAttr

from dialects.attributes.structure import BlocksAttr, RectanglesAttr
from dialects.semantics.weight_values import StoredMatrix, ordered
from passes.quantize.analysis.choices import Resolution
from passes.quantize.analysis.row_groups import block_columns, cut_blocks, cut_rectangles, filled_rows, spread

GENERATOR = np.random.default_rng(0)


def integers(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return GENERATOR.integers(-9, 10, shape)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("is_ordered", [False, True])
def test_sums_of_groups_are_the_product(size: int, blocks: int, is_ordered: bool) -> None:
    weight, x = integers(blocks, 6, 5), integers(4, blocks * 6)
    order = GENERATOR.permutation(blocks * 5) if is_ordered else None
    groups = -(-6 // size)
    cut = cut_blocks(weight, size)
    assert cut.shape == (blocks * groups, size, 5)
    rows = filled_rows(blocks, 6, size)
    assert (rows is None) == (6 % size == 0)
    columns = block_columns(blocks, groups, 5, order)
    product = (x if rows is None else x[:, rows]) @ ordered(StoredMatrix(cut).expanded(), columns)
    expected = x @ ordered(StoredMatrix(weight).expanded(), order)
    assert np.array_equal(product.reshape(4, groups, blocks * 5).sum(1), expected)


def test_a_matrix_is_one_block() -> None:
    matrix = integers(5, 2)
    assert np.array_equal(cut_blocks(matrix, 3), cut_blocks(matrix[None], 3))
    assert block_columns(1, 2, 2, None) is None


RECTANGLES = {
    "strips of rows": [[0, 0, 4, 2], [0, 3, 3, 2], [4, 1, 5, 4]],
    "strips of columns": [[0, 0, 4, 2], [5, 0, 3, 1], [2, 2, 7, 3]],
    "a diagonal": [[0, 0, 3, 3], [3, 3, 6, 2]],
}


@pytest.mark.parametrize("name", RECTANGLES)
@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_rectangles_are_cut_into_columns_of_their_own(name: str, size: int) -> None:
    before, matrix, x = np.array(RECTANGLES[name]), np.zeros((9, 5), np.int64), integers(4, 9)
    for row, column, rows, columns in before.tolist():
        matrix[row : row + rows, column : column + columns] = integers(rows, columns)
    parts, groups = cut_rectangles(before, Resolution(4, size), 5)
    wide = spread(matrix, parts, groups)
    BlocksAttr(StringAttr("sparse"), RectanglesAttr.of(parts)).verify()
    assert np.array_equal((x @ wide).reshape(4, groups, 5).sum(1), x @ matrix)
    assert (np.count_nonzero(wide, axis=0) <= size).all()
    assert np.count_nonzero(wide) == np.count_nonzero(matrix)
