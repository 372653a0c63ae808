"""How long placing takes: networks of the paper's sizes, and 10k to 1M tiles; time should grow as n log n."""

import time
from collections.abc import Callable
from math import log

import numpy as np
import pytest

from cimc.paper.shapes import NETWORKS, dense_tiles, monarch_tiles
from passes.analysis.places import illegal_place
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used, fewest_arrays
from passes.place_tiles.analysis.table import MAPPINGS

SIDE = 256
AddRow = Callable[..., None]
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


def seconds_of(mapping: str, weights: list[WeightTiles]) -> tuple[float, float]:
    """Seconds of CPU that placing takes, and the arrays it needs for each that no mapping can do without."""
    start = time.process_time()
    placements = MAPPINGS[mapping](weights, SIDE, SIDE)
    seconds = time.process_time() - start
    assert illegal_place(placements, SIDE, SIDE) is None
    return seconds, arrays_used(placements) / fewest_arrays([weight.tiles for weight in weights], SIDE, SIDE)


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize(("form", "weights_of"), [("dense", dense_tiles), ("Monarch", monarch_tiles)])
def test_gpt2_medium(mapping: str, form: str, weights_of: Callable[..., list[WeightTiles]], row: AddRow) -> None:
    """All places of a network; `spread` needs no array more than it must."""
    seconds, used = seconds_of(mapping, weights_of(NETWORKS[1], SIDE))
    name, target = f"place GPT-2-medium, {form}, {mapping}: arrays", 1.0 if mapping == "spread" else None
    row(name, seconds=seconds, ratio=used, against="the lower bound", target=target)


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize(("kind", "made"), [("equal", equal), ("mixed", mixed)])
def test_growth(mapping: str, kind: str, made: Callable[[int], list[WeightTiles]], row: AddRow) -> None:
    """From 10k tiles to 1M, time should grow as n log n; below, the clock is too coarse."""
    first, _ = seconds_of(mapping, made(10_000))
    for count in (100_000, 1_000_000):
        seconds, _ = seconds_of(mapping, made(count))
        allowed = first * count * log(count) / (10_000 * log(10_000))
        name = f"place {count:,} {kind} tiles, {mapping}"
        row(name, seconds=seconds, ratio=seconds / allowed, against="10,000 tiles, grown as n log n", target=1)
