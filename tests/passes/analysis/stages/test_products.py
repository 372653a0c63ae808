"""Row groups of products as jobs, and as parts of sums."""

import numpy as np
import pytest

from passes.analysis.stages.products import Product


@pytest.fixture
def product() -> Product:
    """Tile 1 holds weight rows 4 and 5, and lies at row 1 of array 3; its second group drives element 5 on row 2."""
    tables = [[0, 0, 4, 2], [4, 0, 2, 2]], [[2, 0, 0], [3, 1, 2]], [[0, 0, 4, 1], [1, 0, 1, 2], [1, 1, 1, 3]]
    tiles, places, groups = (np.array(table, np.int64) for table in tables)
    return Product(tiles, places, groups, source=7, planes=1)


def test_jobs_drive_the_rows_of_their_group(product: Product) -> None:
    assert product.jobs().tolist() == [
        [2, 0, 4, 0, 2, 7, 0, 1, 1, 0],
        [3, 1, 1, 2, 2, 7, 4, 1, 2, 0],
        [3, 2, 1, 2, 2, 7, 5, 1, 3, 0],
    ]


def test_parts_are_of_columns(product: Product) -> None:
    assert product.parts(np.array([10, 20, 30])).tolist() == [[0, 2, 2, 0, 10], [0, 2, 3, 2, 20], [0, 2, 3, 2, 30]]


def test_copies_of_equally_many_alone_share_a_turn() -> None:
    """Copy 1 of 2 works for other vectors than copy 0 of 3."""
    turns: list[int] = []
    for copies in range(1, 8):
        tile, group = np.zeros((copies, 4), np.int64) + 1, [[i, 0, 1, 1] for i in range(copies)]
        copy = np.arange(copies) if copies > 1 else np.zeros(0, np.int64)
        product = Product(tile, np.zeros((copies, 3), np.int64), np.array(group), 0, 1, copy)
        turns += product.jobs()[:, -1].tolist()
    assert turns == list(range(1 + 2 + 3 + 4 + 5 + 6 + 7))
