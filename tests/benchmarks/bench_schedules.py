"""How long placing and scheduling takes: GPT-2-medium, and 1k to 1M tiles; time should grow as n log n."""

import time
from collections.abc import Callable, Sequence
from math import log

import numpy as np
import pytest

from cimc.hardware.library import load_chip
from cimc.paper.shapes import NETWORKS
from cimc.paper.workload import GeneratedWeights, Workload
from dialects.chip.formats import CellFormat
from passes.analysis.places import Placement
from passes.analysis.row_groups import tile_groups
from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.analysis.spreading.spread import place_spread
from passes.rewriting.chip_times import resources_of
from passes.schedule_arrays.analysis.block import schedule_block
from passes.schedule_arrays.analysis.steps import Row, Stage

CHIP = load_chip("pcm-256")
PER_STAGE = 100


@pytest.mark.parametrize(
    ("form", "mapping"),
    [
        ("dense", "linear"),
        ("dense", "spread"),
        ("monarch", "sparsemap"),
        ("monarch", "densemap"),
        ("monarch", "spread"),
    ],
)
def test_gpt2_medium(form: str, mapping: str, row: Callable[..., None]) -> None:
    """Places, row groups from cells, and schedule of all 96 matrices; the target is 5 s of CPU."""
    workload, numbers = Workload(NETWORKS[1], form, mapping, CHIP), GeneratedWeights()
    matrices = [numbers.of(weight) for weight in workload.weights]
    start = time.process_time()
    placements = workload.placements
    groups = [workload.row_groups(matrix, p) for matrix, p in zip(matrices, placements)]
    _schedule(workload.stages(groups), workload.occupancy)
    seconds = time.process_time() - start
    name = f"place and schedule GPT-2-medium, {form}, {mapping}"
    row(name, seconds=seconds, ratio=seconds / 5, against="5 s of CPU", target=1)


@pytest.mark.parametrize("kind", ["equal", "mixed"])
def test_growth(kind: str, row: Callable[..., None]) -> None:
    """Stages of 100 tiles of 16x16, or of any size up to that, in arrays of 256x256: from 1k tiles to 1M."""
    first = _seconds(1_000, kind)
    for count in (10_000, 100_000, 1_000_000):
        seconds = _seconds(count, kind)
        allowed = first * count * log(count) / (1_000 * log(1_000))
        name = f"place and schedule {count} {kind} tiles"
        row(name, seconds=seconds, ratio=seconds / allowed, against="1000 tiles, grown as n log n", target=1)


def _seconds(count: int, kind: str) -> float:
    """CPU time of places by `spread`, row groups from cells, and schedules."""
    rng = np.random.default_rng(0)
    sizes = np.full((count, 2), 16) if kind == "equal" else rng.integers(1, 17, (count, 2))
    tiles = np.concatenate([np.arange(count)[:, None] % PER_STAGE * 16 + np.zeros((1, 2), np.int64), sizes], axis=1)
    weights = [WeightTiles(tiles[i : i + PER_STAGE], False, i // PER_STAGE) for i in range(0, count, PER_STAGE)]
    matrix = rng.integers(-128, 128, (16, 16)).astype(np.int8)
    start = time.process_time()
    placements = place_spread(weights, 256, 256)
    occupancy = Occupancy(np.concatenate([np.concatenate([p.places, p.tiles[:, 2:]], axis=1) for p in placements]))
    _schedule([[Product(p.tiles, p.places, _groups(matrix, p), 0, 8)] for p in placements], occupancy)
    return time.process_time() - start


def _schedule(stages: Sequence[Sequence[Product]], occupancy: Occupancy) -> None:
    """Each stage reads the first product of the one before it."""
    rows: list[Row] = []
    read: list[int] = []
    values = 0
    for products in stages:
        vectors = 1 + max(product.source for product in products)
        rows.append([Stage(products, [read] * vectors, [10_000] * vectors, [10_000] * len(products))])
        read, values = [values], values + len(products)
    schedule_block(rows, occupancy, resources_of(CHIP), 0)


def _groups(matrix: np.ndarray, placement: Placement) -> np.ndarray:
    tiles = [matrix[:rows, :columns] for rows, columns in placement.tiles[:, 2:].tolist()]
    found = tile_groups(tiles, CHIP.cell_bits, CellFormat(CHIP.default_format), CHIP.dac_bits, CHIP.adc_bits, 0)
    assert found is not None
    return found
