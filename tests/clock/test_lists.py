import numpy as np

from cimc.clock.lists import Lists, spread


def test_pairs_become_lists_with_each_value_once() -> None:
    lists = Lists.of_pairs([2, 0, 2, 2], [5, 1, 3, 5], 4)
    assert len(lists) == 4
    assert [lists.of(i).tolist() for i in range(4)] == [[1], [], [3, 5], []]
    assert lists.owners.tolist() == [0, 2, 2]


def test_without_pairs_all_lists_are_empty() -> None:
    assert Lists.of_pairs([], [], 2).first.tolist() == [0, 0, 0]


def test_chosen_lists_one_after_the_other() -> None:
    values, place = spread(Lists.of_pairs([0, 1, 1, 2], [7, 4, 5, 6], 3), np.array([1, 2, 1]))
    assert values.tolist() == [4, 5, 6, 4, 5]
    assert place.tolist() == [0, 0, 1, 2, 2]
