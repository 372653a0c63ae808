"""How long placing takes: networks of the paper's sizes, and 1k to 1M tiles; time should grow as n log n."""

import time

import numpy as np
import pytest

from cimc.paper.shapes import NETWORKS, dense_tiles, monarch_tiles
from passes.analysis.mapping.placement import WeightTiles, arrays_used, fewest_arrays, illegal_place
from passes.analysis.mapping.table import MAPPINGS

SIDE = 256
PER_STAGE = 100


def equal(count: int) -> list[WeightTiles]:
    """Weights of 100 blocks of 64x64."""
    i = np.arange(PER_STAGE) * 64
    blocks = np.stack([i, i, 0 * i + 64, 0 * i + 64], axis=1)
    return [WeightTiles(blocks, dense=False, stage=stage) for stage in range(count // PER_STAGE)]


def mixed(count: int) -> list[WeightTiles]:
    """Weights of 100 tiles of any size up to an array's."""
    rng = np.random.default_rng(0)
    corner = np.zeros((PER_STAGE, 2), np.int64)
    return [
        WeightTiles(np.concatenate([corner, rng.integers(1, SIDE + 1, (PER_STAGE, 2))], axis=1), False, stage)
        for stage in range(count // PER_STAGE)
    ]


def measure(what: str, mapping: str, weights: list[WeightTiles]) -> None:
    tables = [weight.tiles for weight in weights]
    start = time.process_time()
    placements = MAPPINGS[mapping](weights, SIDE, SIDE)
    placed = time.process_time()
    assert illegal_place(placements, SIDE, SIDE) is None
    checked = time.process_time()
    used, bound = arrays_used(placements), fewest_arrays(tables, SIDE, SIDE)
    count = sum(len(table) for table in tables)
    print(
        f"\n{what}, {mapping}: {count} tiles in {used} arrays (bound {bound}): {placed - start:.2f} s of CPU, "
        f"checked in {checked - placed:.2f} s",
        end="",
    )


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_gpt2_medium(mapping: str) -> None:
    measure("GPT-2-medium dense", mapping, dense_tiles(NETWORKS[1], SIDE))
    measure("GPT-2-medium Monarch", mapping, monarch_tiles(NETWORKS[1], SIDE))


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("count", [1_000, 10_000, 100_000, 1_000_000])
def test_growth(count: int, mapping: str) -> None:
    measure("equal blocks", mapping, equal(count))
    measure("mixed blocks", mapping, mixed(count))
