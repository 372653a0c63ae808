"""Stages taken apart: what activations wait for, and where vectors and products are."""

import numpy as np

from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.analysis.timing import ArrayTimes
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import Stage

TIMES = ArrayTimes(100, 1, (1, 2, 3, 4))


def prepared(*products: tuple[list[list[int]], int]) -> PreparedStage:
    """Products of tiles (array, row, column) of 2x2, each a row group, that multiply vectors."""
    made = [
        Product(
            np.array([[2 * i, 0, 2, 2] for i in range(len(places))]),
            np.array(places),
            np.array([[i, 0, 2, 1, 0, 0] for i in range(len(places))]),
            source,
            1,
        )
        for places, source in products
    ]
    held = np.concatenate([np.concatenate([p.places, p.tiles[:, 2:]], axis=1) for p in made])
    count = 1 + max(source for _, source in products)
    return PreparedStage.of(Stage(made, [()] * count, [5] * count, [5] * len(made)), Occupancy(held), TIMES)


DIAGONAL = ([[3, 0, 0], [7, 0, 0]], 0), ([[7, 2, 2]], 1)
"""Array 7 has two blocks on its diagonal, of two vectors."""


def test_which_arrays_are_used() -> None:
    stage = prepared(*DIAGONAL)
    assert stage.arrays.tolist() == [3, 7]
    assert [arrays.tolist() for arrays in stage.arrays_of_vectors] == [[0, 1], [1]]
    assert [arrays.tolist() for arrays in stage.arrays_of_products] == [[0, 1], [1]]


def test_activations_wait_for_all_vectors_that_they_drive() -> None:
    stage = prepared(*DIAGONAL)
    batches = [(b.sources, stage.activations.array[b.activations].tolist(), b.products) for b in stage.batches()]
    assert batches == [((0,), [3], [0]), ((0, 1), [7], [0, 1])]


def test_activations_that_wait_for_the_same_are_one_batch() -> None:
    """Each tile has an array of its own, or a column that others have, too."""
    stage = prepared(([[0, 0, 0], [1, 0, 0]], 0), ([[1, 2, 0]], 1), ([[2, 0, 0]], 0))
    batches = [(b.sources, stage.activations.array[b.activations].tolist(), b.products) for b in stage.batches()]
    assert batches == [((0,), [0, 1, 2], [0, 2]), ((1,), [1], [1])]


def test_the_array_that_a_product_keeps_busy_longest() -> None:
    """One activation of 102 ps, two after each other, and one of 104 that products share."""
    assert prepared(([[0, 0, 0]], 0), ([[1, 0, 0], [1, 2, 0], [2, 0, 0]], 0)).longest == [102, 204]
    assert prepared(*DIAGONAL).longest == [104, 104]


def test_an_activation_is_as_urgent_as_the_most_urgent_of_its_products() -> None:
    stage = prepared(*DIAGONAL)
    assert stage.priorities([5, 9]).tolist() == [5, 9]
    assert stage.priorities([9, 5]).tolist() == [9, 9]


def test_what_there_is_of_jobs_by_product() -> None:
    assert [own.tolist() for own in prepared(*DIAGONAL).split(np.array([1, 2, 3]))] == [[1, 2], [3]]
