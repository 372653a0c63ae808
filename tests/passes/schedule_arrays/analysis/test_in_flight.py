"""Stages on their way: what is left of them where."""

import numpy as np

from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.analysis.timing import ArrayTimes
from passes.schedule_arrays.analysis.in_flight import StageInFlight
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import Moved, Stage, StageTimes


def stage() -> StageInFlight:
    """Product 0 in arrays 4 and 6, product 1 in array 6, below the other's tile."""
    tiles = np.array([[0, 0, 1, 1], [1, 0, 1, 1]])
    groups = np.array([[0, 0, 1, 1, 0, 0], [1, 0, 1, 1, 0, 0]])
    first = Product(tiles, np.array([[4, 0, 0], [6, 0, 0]]), groups, 0, 1)
    second = Product(tiles[:1], np.array([[6, 1, 0]]), groups[:1], 1, 1)
    held = np.array([[4, 0, 0, 1, 1], [6, 0, 0, 1, 1], [6, 1, 0, 1, 1]])
    made = Stage([first, second], [[], []], [1, 1], [2, 2])
    return StageInFlight(
        PreparedStage.of(made, Occupancy(held), ArrayTimes(10, 1, (1,))), np.zeros(2, np.int64), 5, [7, 8], [3, 4]
    )


def test_what_is_still_to_come() -> None:
    made = stage()
    assert [(product.value, product.path, product.batches) for product in made.products] == [(5, 3, 1), (6, 4, 1)]
    assert (made.batches_of, made.missing) == ({0: [0], 1: [1]}, [1, 1])
    assert made.undone.tolist() == [1, 2]
    assert made.path.tolist() == [7, 7, 8]


def test_arrays_are_left_with_their_last_product() -> None:
    first_one, other = stage(), stage()
    assert [first_one.left(product).tolist() for product in (0, 1)] == [[4], [6]]
    assert [other.left(product).tolist() for product in (1, 0)] == [[], [4, 6]]


def test_times_by_product() -> None:
    made, moved = stage(), [Moved(0, time, 1) for time in range(4)]
    made.ins, made.outs = {1: moved[0], 0: moved[1]}, {0: moved[2], 1: moved[3]}
    made.start[:] = [10, 20, 30]
    made.products[0].adds.append((0, 1, 2, 40))
    times = made.times()
    assert isinstance(times, StageTimes)
    assert (times.ins, times.outs) == ([moved[1], moved[0]], moved[2:])
    assert [starts.tolist() for starts in times.starts] == [[10, 20], [30]]
    assert [adds.tolist() for adds in times.adds] == [[[0, 1, 2, 40, 0]], []]
