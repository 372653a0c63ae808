"""Steps: row groups of products as jobs and as parts of sums, and what takes no time."""

import numpy as np
import pytest

from passes.analysis.cost.digital import OperatorCost, Unit
from passes.schedule_arrays.analysis.steps import Moved, Operator, Product, Run, StageTimes


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


@pytest.mark.parametrize(
    ("cost", "is_free"),
    [
        (OperatorCost(Unit.NONE), True),
        (OperatorCost(Unit.VECTOR, 0, 5), True),
        (OperatorCost(Unit.VECTOR, 2, 0), True),
        (OperatorCost(Unit.VECTOR, 2, 5), False),
        (OperatorCost(Unit.ATTENTION, 1, 5), False),
    ],
)
def test_what_takes_no_time(cost: OperatorCost, is_free: bool) -> None:
    assert Operator(cost, []).is_free == is_free


def test_from_the_first_start_to_the_last_end() -> None:
    assert Run((1, 2), 5, 10).end == Moved(0, 5, 10).end == 15
    stage = StageTimes([Moved(0, 20, 5), Moved(0, 10, 5)], [], [], [Moved(0, 40, 5), Moved(0, 30, 5)])
    assert (stage.start, stage.end) == (10, 45)
