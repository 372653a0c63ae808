"""The mappings by name, and how many arrays each needs."""

import numpy as np
import pytest

from passes.analysis.places import illegal_place
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.spreading.spread import Goal, place_spread
from passes.place_tiles.analysis.table import MAPPINGS


@pytest.mark.parametrize("name", MAPPINGS)
def test_every_mapping_places_all_tiles_of_all_weights(name: str) -> None:
    dense = WeightTiles(np.array([[0, 0, 4, 4], [0, 4, 4, 2]]), dense=True)
    blocks = WeightTiles(np.array([[0, 0, 2, 2], [2, 2, 2, 2]]), dense=False, stage=1)
    placements = MAPPINGS[name]([dense, blocks], 4, 4)
    assert illegal_place(placements, 4, 4) is None
    cells = [int((placement.tiles[:, 2] * placement.tiles[:, 3]).sum()) for placement in placements]
    assert cells == [24, 8]


def test_every_mapping_has_a_number() -> None:
    i = np.arange(16) * 2
    weight = WeightTiles(np.stack([i, i, 0 * i + 2, 0 * i + 2], axis=1), dense=False)
    needed = {name: arrays_used(place([weight], 4, 4)) for name, place in MAPPINGS.items()}
    assert needed == {"linear": 8, "sparsemap": 8, "densemap": 4, "spread": 4}


def test_spread_needs_fewer_arrays_on_a_chip_that_has_fewer() -> None:
    """63 rows of 64: 1.6 % waste, which is put up with only if there is room for it."""
    i = np.arange(4000)
    weight = WeightTiles(np.stack([i * 63, i * 64, 0 * i + 63, 0 * i + 64], axis=1), dense=False)
    needed = {arrays: arrays_used(place_spread([weight], 256, 256, Goal(arrays=arrays))) for arrays in (None, 250, 247)}
    assert needed == {None: 250, 250: 250, 247: 247}
