"""The paper's networks as stages: generated weights, row groups, and what is permuted between factors."""

import numpy as np
import pytest

from cimc.hardware.library import load_chip
from cimc.paper.shapes import Network
from cimc.paper.workload import GeneratedWeights, Workload
from dialects.hardware import ChipAttr
from passes.analysis.tiling import block_tiles, grid_tiles
from passes.place_tiles.analysis.placement import WeightTiles

TINY = Network("tiny", (((((4, 4),) * 3), ((4, 16),)),), {}, context=2)


@pytest.fixture
def chip() -> ChipAttr:
    return load_chip("tiny-4")


def test_weights_of_one_shape_share_one_matrix() -> None:
    numbers = GeneratedWeights()
    dense = WeightTiles(grid_tiles(8, 6, 4, 4), dense=True)
    blocks = WeightTiles(block_tiles(np.array([[0, 0, 2, 2], [2, 2, 2, 2]]), 4, 4), dense=False)
    assert numbers.of(dense).shape == (8, 6)
    assert numbers.of(blocks).shape == (2, 2, 2)
    assert numbers.of(dense) is numbers.of(WeightTiles(dense.tiles, dense=True, stage=3))
    assert numbers.of(dense).dtype == np.int8
    assert numbers.of(dense).tolist() == GeneratedWeights().of(dense).tolist()


@pytest.mark.parametrize(("form", "permuted"), [("dense", [0, 0]), ("monarch", [0, 3 * 4, 0, 16])])
def test_a_token(chip: ChipAttr, form: str, permuted: list[int]) -> None:
    """A stage for each step, two for one of pairs; only second factors read what was permuted."""
    workload = Workload(TINY, form, "spread", chip)
    runs = list(workload.token(workload.whole_tiles(8)))
    assert [run.permuted for run in runs] == permuted
    for run in runs:
        assert run.picoseconds == run.schedule.duration + (3 if run.permuted else 2) * 5000


def test_query_key_and_value_read_one_vector_but_their_second_factors_do_not(chip: ChipAttr) -> None:
    workload = Workload(TINY, "monarch", "densemap", chip)
    sources = [[product.source for product in stage] for stage in workload.stages(workload.whole_tiles(8))]
    assert sources == [[0, 0, 0], [0, 1, 2], [0], [0]]


def test_whole_tiles_are_one_group_each(chip: ChipAttr) -> None:
    workload = Workload(TINY, "dense", "linear", chip)
    last = workload.whole_tiles(6)[-1]
    assert last.tolist() == [[tile, 0, 4, 6, 0, 0] for tile in range(4)]


def test_lossless_groups_fit_the_adcs(chip: ChipAttr) -> None:
    """And take every row of every tile once."""
    few = ChipAttr.from_dict({**chip.to_dict(), "adc_bits": 2})
    workload = Workload(TINY, "dense", "linear", few)
    for groups, placement in zip(workload.lossless(), workload.placements, strict=True):
        assert (groups[:, 3] <= 2).all()
        rows = np.bincount(groups[:, 0], groups[:, 2])
        assert rows.tolist() == placement.tiles[:, 2].tolist()


def test_what_was_placed_is_known(chip: ChipAttr) -> None:
    """Whatever the ADCs are, but for `spread`, which weighs them."""
    numbers, fewer = GeneratedWeights(), ChipAttr.from_dict({**chip.to_dict(), "adcs": 2})
    assert fewer != chip
    for mapping, same in (("linear", True), ("densemap", True), ("spread", False)):
        first, second = (Workload(TINY, "dense", mapping, c, "arrays", numbers).placements for c in (chip, fewer))
        assert (first is second) is same
        assert Workload(TINY, "dense", mapping, chip, "arrays", numbers).placements is first
