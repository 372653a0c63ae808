"""Paths: how long everything that follows takes, were all units free."""

import numpy as np

from passes.analysis.cost.digital import OperatorCost, Unit
from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.analysis.stages.resources import Resources
from passes.analysis.timing import ArrayTimes
from passes.schedule_arrays.analysis.paths import longest_paths
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import Operator, Permutation, Stage, Step

RESOURCES = Resources(ArrayTimes(10, 1, (1, 2, 3, 4)), 1, 20, 4)


def operator(picoseconds: int, *needs: int) -> Operator:
    return Operator(OperatorCost(Unit.VECTOR, 1, picoseconds), needs)


def test_operators_and_permutations() -> None:
    steps: list[Step] = [operator(1), Permutation(10, [0]), operator(100, 0), operator(1000, 1, 2)]
    assert longest_paths(steps, {}, [0, 1, 2, 3, 4], RESOURCES).steps == {3: 1000, 2: 1100, 1: 1010, 0: 1101}


def test_stages() -> None:
    """A tile of two columns takes 12 ps, the two under each other of the other product the same, and an addition."""
    tiles = np.array([[0, 0, 2, 2], [2, 0, 2, 2]])
    places = np.array([[0, 0, 0], [1, 0, 0]])
    groups = np.array([[0, 0, 2, 1, 0, 0], [1, 0, 2, 1, 0, 0]])
    products = [Product(tiles[:n], places[:n], groups[:n], source, 1) for source, n in enumerate((1, 2))]
    stage = Stage(products, [[], [0]], [5, 6], [7, 8])
    occupancy = Occupancy(np.concatenate([places, tiles[:, 2:]], axis=1))
    prepared = {1: PreparedStage.of(stage, occupancy, RESOURCES.times)}
    paths = longest_paths([operator(3), stage, operator(100, 1)], prepared, [0, 1, 3, 4], RESOURCES)
    assert paths.outs == {1: [107, 8]}
    assert paths.converted == {1: [107, 28]}
    assert paths.ins == {1: [5 + 12 + 107, 6 + 12 + 28]}
    assert paths.steps == {2: 100, 0: 3 + 46}
