"""How long arrays serve stages, reckoned by hand: rows settle for 10, a conversion of two columns takes 5."""

import numpy as np

from passes.analysis.places import Placement
from passes.analysis.timing import ArrayTimes
from passes.place_tiles.analysis.copying.holds import Holds, Room, holds_of
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.analysis.spreading.work import Prices, Work

ROOM = Room(4, 8, 8, 2, Prices(ArrayTimes(10, 2, (5,) * 8)), move_ps=2)


def weight(stage: int, *tiles: list[int], planes: int = 1, source: int | None = None, vectors: int = 1) -> WeightTiles:
    work_of = np.zeros(len(tiles), np.int64)
    work = Work(planes, 1, 8, 1.0)
    return WeightTiles(np.array(tiles), True, stage, source=source, works=(work,), work_of=work_of, vectors=vectors)


def placed(weight: WeightTiles, *places: list[int], copies: int = 1) -> Placement:
    return Placement(np.tile(weight.tiles, (copies, 1)), np.array(places), copies)


def test_an_array_serves_one_stage_after_the_other() -> None:
    """10 + 2 * 5 and 2 * (10 + 4 * 5), and the moves of both."""
    weights = [weight(0, [0, 0, 2, 4]), weight(1, [0, 0, 2, 8], planes=2)]
    assert holds_of(weights, [placed(weights[0], [0, 0, 0]), placed(weights[1], [0, 2, 0])], ROOM) == Holds(
        84, 84, 80, 80
    )


def test_copies_take_turns() -> None:
    """Each for half of the vectors, but a vector takes as long as ever."""
    own = weight(0, [0, 0, 2, 4])
    assert holds_of([own], [placed(own, [0, 0, 0], [1, 0, 0], copies=2)], ROOM) == Holds(11, 22, 10, 20)


def test_copies_work_at_once_on_the_vectors_of_a_run() -> None:
    own = weight(0, [0, 0, 2, 4], planes=6, vectors=6)
    holds = holds_of([own], [placed(own, [0, 0, 0], [1, 0, 0], copies=2)], ROOM)
    assert holds == Holds(61, 61, 60, 120)


def test_tiles_beside_each_other_settle_once() -> None:
    """Those that multiply the same rows of the same vector: 10 + 4 * 5 together, 2 * (10 + 2 * 5) apart."""
    weights = [weight(0, [0, 0, 2, 4], source=7), weight(0, [0, 0, 2, 4], source=7)]
    first = placed(weights[0], [0, 0, 0])
    assert holds_of(weights, [first, placed(weights[1], [0, 0, 4])], ROOM).busiest == 30
    assert holds_of(weights, [first, placed(weights[1], [0, 2, 0])], ROOM).busiest == 40


def test_parts_of_tiles_take_what_their_tiles_do() -> None:
    """A tile in halves: both settle."""
    own = weight(0, [0, 0, 2, 4], planes=3)
    halves = Placement(np.array([[0, 0, 2, 2], [0, 2, 2, 2]]), np.array([[0, 0, 0], [1, 0, 0]]))
    assert holds_of([own], [halves], ROOM) == Holds(47, 47, 45, 90)


def test_nothing_takes_no_time() -> None:
    assert holds_of([], [], ROOM) == Holds(0, 0, 0, 0)
