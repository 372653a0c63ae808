"""Links: any number of them, or so many vectors at a time."""

from passes.schedule_arrays.analysis.links import Links, Move
from passes.schedule_arrays.analysis.steps import Moved


def begun(links: Links, now: int) -> list[Moved]:
    return [moved for _, moved in links.begin(now)]


def move(duration: int, may_begin: bool = True) -> Move:
    return Move(duration, lambda moved: None, lambda: may_begin)


def test_any_number() -> None:
    links = Links(None)
    for path in (1, 2, 3):
        links.add(path, move(5))
    assert begun(links, 7) == [Moved(0, 7, 5)] * 3


def test_one_vector_at_a_time_the_most_urgent_first() -> None:
    links = Links(2)
    for path, duration in ((1, 5), (3, 10), (2, 20)):
        links.add(path, move(duration))
    assert begun(links, 0) == [Moved(0, 0, 10), Moved(1, 0, 20)]
    assert begun(links, 9) == []
    assert begun(links, 10) == [Moved(0, 10, 5)]


def test_what_may_not_begin_leaves_its_link_to_others() -> None:
    links = Links(1)
    links.add(2, move(5, may_begin=False))
    links.add(1, move(7))
    assert begun(links, 0) == [Moved(0, 0, 7)]
    assert begun(links, 7) == []
