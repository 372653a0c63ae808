"""Parts of the weights, each as long as a chip holds at once."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from passes.place_tiles.analysis.loads import loads_of


def sizes(some: Sequence[int]) -> int:
    """Weight i takes i crossbars."""
    return sum(some)


def test_parts_are_as_long_as_fit_in_order() -> None:
    assert loads_of([3, 1, 2, 4, 4, 1, 1], sizes, 6) == [[3, 1, 2], [4], [4, 1, 1]]


def test_one_part_where_all_fit_and_none_without_weights() -> None:
    assert loads_of([1, 2, 3], sizes, 6) == [[1, 2, 3]]
    assert loads_of([], sizes, 6) == []


def test_a_weight_that_is_too_large_is_a_part_of_its_own() -> None:
    assert loads_of([1, 9, 1], sizes, 6) == [[1], [9], [1]]


@pytest.mark.parametrize("seed", range(5))
def test_no_part_could_take_the_next_weight_too(seed: int) -> None:
    random = np.random.default_rng(seed)
    weights: list[int] = random.integers(1, 10, 40).tolist()
    parts = loads_of(weights, sizes, 20)
    assert [weight for part in parts for weight in part] == weights
    assert all(sum(part) <= 20 for part in parts)
    assert all(sum(part) + after[0] > 20 for part, after in pairwise(parts))
