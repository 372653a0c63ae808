"""What stages may take, and which choices are made for so much energy."""

from itertools import pairwise

from passes.place_tiles.analysis.spreading.dealing import Drive, Way
from passes.place_tiles.analysis.spreading.targets import WHOLE, Choice, Choices, best_for, fastest


def choice(time: int, energy: float) -> Choice:
    return Choice(time, energy, time, ())


def test_choices_are_faster_the_more_they_cost() -> None:
    """One drive of 8 columns on 4 arrays: 1 + 8 * 2 whole, 1 + 2 * 2 in four pieces."""
    (choices,) = Choices(4, 8, 1).of({7: [Drive(4, 8, 1, 2, 10.0)]}).values()
    assert (choices[0].time, choices[0].energy, choices[0].target) == (17, 0, WHOLE)
    assert (choices[-1].time, choices[-1].energy) == (5, 30)
    assert all(a.time > b.time and a.energy < b.energy for a, b in pairwise(choices))


def test_a_stage_of_several_heights() -> None:
    (choices,) = Choices(2, 8, 1).of({0: [Drive(4, 8, 1, 2, 10.0), Drive(2, 8, 1, 2, 5.0)]}).values()
    assert [(own.time, own.energy) for own in choices] == [(17, 0)]
    assert sorted(piece.drive for piece in choices[0].pieces) == [0, 1]


def test_all_ways_are_tried() -> None:
    """Two drives of 7 columns on three arrays: in a row 5 columns, 5 of both, and 4, which is done in 12."""
    own = [Drive(4, 7, 1, 2, 10.0), Drive(4, 7, 1, 2, 10.0)]
    (usual,) = Choices(3, 8, 1).of({0: own}).values()
    (choices,) = Choices(3, 8, 1, all_ways=True).of({0: own}).values()
    assert (choices[0].time, choices[0].way) == (15, Way())
    assert choices[-1].time <= usual[-1].time <= 12


def test_the_fastest() -> None:
    assert fastest({0: [choice(9, 0), choice(5, 7)]}) == {0: choice(5, 7)}


def test_what_saves_most_for_its_energy_comes_first() -> None:
    stages = {0: [choice(10, 0), choice(8, 1), choice(4, 5)], 1: [choice(10, 0), choice(4, 4)]}
    assert best_for(stages, 0) == {0: choice(10, 0), 1: choice(10, 0)}
    assert best_for(stages, 1) == {0: choice(8, 1), 1: choice(10, 0)}
    assert best_for(stages, 5) == {0: choice(8, 1), 1: choice(4, 4)}
    assert best_for(stages, 9) == {0: choice(4, 5), 1: choice(4, 4)}


def test_what_must_be_cut_counts() -> None:
    stages = {0: [choice(10, 3), choice(8, 4)], 1: [choice(10, 0), choice(4, 4)]}
    assert best_for(stages, 6) == {0: choice(8, 4), 1: choice(10, 0)}
