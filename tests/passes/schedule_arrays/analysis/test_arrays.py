"""Arrays: activations take their turns, in the order in which their vectors arrive."""

import numpy as np

from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.analysis.timing import ArrayTimes
from passes.schedule_arrays.analysis.arrays import Arrays
from passes.schedule_arrays.analysis.in_flight import StageInFlight
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import Stage


def in_flight(*tiles: tuple[int, int], paths: tuple[int, ...]) -> StageInFlight:
    """A stage of products of one tile (array, vector) of one row and column, converted in 11 ps, all in one column."""
    one, rows = np.array([[0, 0, 1, 1]]), np.array([[0, 0, 1, 1, 0, 0]])
    products = [Product(one, np.array([[array, i, 0]]), rows, x, 1) for i, (array, x) in enumerate(tiles)]
    held = np.array([[array, i, 0, 1, 1] for i, (array, _) in enumerate(tiles)])
    count = 1 + max(x for _, x in tiles)
    stage = Stage(products, [()] * count, [0] * count, [0] * len(tiles))
    prepared = PreparedStage.of(stage, Occupancy(held), ArrayTimes(10, 1, (1,)))
    return StageInFlight(prepared, np.zeros(len(prepared.arrays), np.int64), 0, paths, paths)


def starts(stage: StageInFlight) -> list[int]:
    return stage.start[stage.prepared.activations.of_job].tolist()


def test_the_longest_path_goes_first() -> None:
    stage, arrays = in_flight((0, 0), (0, 0), (2, 0), paths=(1, 2, 3)), Arrays(3, 0)
    arrays.arrived(stage, 0)
    assert [product.number for product in arrays.begin(5)] == [0, 1, 2]
    assert starts(stage) == [16, 5, 5]
    assert arrays.free.tolist() == [27, 0, 16]


def test_what_arrives_first_goes_first() -> None:
    stage, arrays = in_flight((0, 0), (0, 1), (1, 1), paths=(1, 2, 3)), Arrays(2, 0)
    arrays.arrived(stage, 0)
    assert [product.number for product in arrays.begin(5)] == [0]
    assert arrays.begin(6) == []
    arrays.arrived(stage, 1)
    assert [product.number for product in arrays.begin(7)] == [1, 2]
    assert starts(stage) == [5, 16, 7]


def test_two_stages_at_once() -> None:
    first, second, arrays = in_flight((0, 0), paths=(1,)), in_flight((0, 0), (1, 0), paths=(2, 0)), Arrays(2, 3)
    arrays.arrived(first, 0)
    arrays.arrived(second, 0)
    assert [product.stage for product in arrays.begin(0)] == [first, second, second]
    assert (starts(first), starts(second)) == ([14], [3, 3])


def test_nothing_is_ready() -> None:
    assert Arrays(0, 0).begin(0) == []
