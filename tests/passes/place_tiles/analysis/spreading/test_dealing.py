"""A stage dealt over arrays: the longest first, cut at the target, as there is room."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from passes.place_tiles.analysis.spreading.dealing import (
    WAYS,
    CellRoom,
    Dealt,
    Drive,
    Loads,
    OpenRoom,
    PlannedRoom,
    Room,
    Way,
    deal,
)

NEVER = 1 << 60


def drives(*columns: int) -> list[Drive]:
    return [Drive(4, count, 1, 2, 10.0) for count in columns]


def dealt(own: list[Drive], target: int, room: Room, adcs: int = 1, loads: Loads | None = None) -> Dealt:
    result = deal(4, own, target, room, adcs, {} if loads is None else loads)
    assert result is not None
    return result


def test_whole_drives_go_to_the_array_with_least_to_do() -> None:
    result = dealt(drives(5, 4, 3, 2), NEVER, OpenRoom(2, 9))
    assert [(piece.columns, piece.array) for piece in result.pieces] == [(5, 0), (4, 1), (3, 1), (2, 0)]
    assert (result.time, result.energy) == (2 + 2 * 7, 0)


def test_what_takes_longer_than_the_target_is_cut() -> None:
    """An array of one settling and 7 for columns: 3 columns; the rest of 8 columns is 3 and 2 more."""
    result = dealt(drives(8), 7, OpenRoom(3, 9))
    assert sorted(piece.columns for piece in result.pieces) == [2, 3, 3]
    assert (result.time, result.energy) == (7, 20)


def test_cuts_are_multiples_of_the_adcs() -> None:
    result = dealt(drives(9), 5, OpenRoom(9, 9), adcs=2)
    assert [piece.columns for piece in result.pieces] == [4, 4, 1]


def test_a_target_that_cannot_be_met_grows() -> None:
    result = dealt(drives(40), 3, OpenRoom(2, 40))
    assert sum(piece.columns for piece in result.pieces) == 40
    assert result.time <= 1.5 * (40 + 2)


def test_loads_of_the_same_stage_count() -> None:
    loads = {0: 100}
    result = dealt(drives(2), NEVER, CellRoom(2, 8, 64, {4: 4}), loads=loads)
    assert [piece.array for piece in result.pieces] == [1]
    assert loads == {0: 100, 1: 5}


def test_the_array_with_most_room_is_taken_first() -> None:
    room = PlannedRoom({4: {0: 2, 1: 6, 2: 4}})
    assert [piece.array for piece in dealt(drives(1, 1, 1), NEVER, room).pieces] == [1, 2, 0]
    assert [piece.array for piece in dealt(drives(1, 1), NEVER, room).pieces] == [1, 2]


def test_in_a_row_an_array_gets_the_rest_and_some_of_the_next() -> None:
    """Settling for 1 and 2 a column: in 12, 5 columns of one drive, or 5 of two."""
    own = drives(7, 7)
    result = deal(4, own, 12, OpenRoom(3, 9), 1, {}, Way(in_a_row=True))
    assert result is not None
    assert [tuple(piece) for piece in result.pieces] == [(0, 0, 5, 0), (0, 5, 2, 1), (1, 0, 3, 1), (1, 3, 4, 2)]
    assert (result.time, result.energy) == (12, 20)


def test_columns_that_take_longer_are_dealt_apart() -> None:
    """Of 8 columns the first three take 2 each, others 1: those that are converted with them, too."""
    drive = Drive(4, 8, 1, 2, 10.0, ((3, 1),))
    assert [drive.step_from(first) for first in (0, 2, 3, 7)] == [2, 2, 1, 1]
    assert (drive.time(8, 2), drive.time(4, 2, 4)) == (1 + 4 * 2, 1 + 2 * 1)
    assert drive.dealt(Way(), 2) == [(0, 8)]
    assert drive.dealt(Way(apart=True), 2) == [(0, 4), (4, 4)]
    assert drive.dealt(Way(apart=True), 8) == [(0, 8)]
    result = deal(4, [drive], NEVER, OpenRoom(2, 9), 2, {}, Way(apart=True))
    assert result is not None
    assert sorted(tuple(piece) for piece in result.pieces) == [(0, 0, 4, 0), (0, 4, 4, 1)]
    assert (result.time, result.energy) == (1 + 2 * 2, 10)


def test_there_may_not_be_room() -> None:
    assert deal(4, drives(9), NEVER, PlannedRoom({4: {0: 4, 1: 4}}), 1, {}) is None
    assert deal(4, drives(4, 5), NEVER, CellRoom(2, 8, 17, {4: 4}), 1, {}) is None
    assert deal(4, drives(4, 4), NEVER, CellRoom(2, 8, 17, {4: 4}), 1, {}) is not None


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=12),
    st.lists(st.integers(0, 12), min_size=1, max_size=6),
    st.integers(1, 40),
    st.integers(1, 3),
    st.sampled_from(WAYS),
)
def test_every_column_once_and_where_there_is_room(
    columns: list[int], free: list[int], target: int, adcs: int, way: Way
) -> None:
    own = [drive._replace(later=((drive.columns // 2, 1),)) for drive in drives(*columns)]
    result = deal(4, own, target, PlannedRoom({4: dict(enumerate(free))}), adcs, {}, way)
    assert (result is None) == (sum(columns) > sum(free))
    if result is not None:
        taken: Counter[int] = Counter()
        seen: Counter[tuple[int, int]] = Counter()
        for number, first, count, array in result.pieces:
            taken[array] += count
            seen.update((number, first + i) for i in range(count))
        assert all(taken[array] <= count for array, count in enumerate(free))
        assert seen == Counter((number, i) for number, count in enumerate(columns) for i in range(count))
