"""`spread` and the published alternative, packing along the lowest horizontal line, on the same networks."""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import cimc
from cimc.hardware.library import load_chip
from cimc.paper.shapes import NETWORKS
from cimc.paper.workload import GeneratedWeights, Workload
from passes.analysis.places import Placement
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.table import MAPPINGS

AddRow = Callable[..., None]
MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"


@pytest.mark.parametrize("form", ["monarch", "dense"])
def test_bert_large(form: str, row: AddRow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the line's arrays, and of its time of a token, how much `spread` takes."""
    monkeypatch.setitem(MAPPINGS, "linear", place_lowest_line)
    numbers, found = GeneratedWeights(), dict[str, tuple[float, float, float]]()
    for mapping in ("linear", "spread"):
        workload = Workload(NETWORKS[0], form, mapping, load_chip("pcm-256"), numbers=numbers)
        start = time.process_time()
        arrays = arrays_used(workload.placements)
        seconds = time.process_time() - start
        found[mapping] = (arrays, sum(run.picoseconds for run in workload.token(workload.lossless())), seconds)
    _add(row, f"BERT-large, {form}", found)


def test_monarch_lm(row: AddRow, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, tuple[float, float, float]] = {}
    monkeypatch.setitem(MAPPINGS, "linear", place_lowest_line)
    for mapping in ("linear", "spread"):
        start = time.process_time()
        report = cimc.compile(MONARCH_LM, mapping=mapping).report()
        assert report.latency_ns["parameter"] is not None
        found[mapping] = (report.arrays, report.latency_ns["parameter"] * 1000, time.process_time() - start)
    _add(row, "monarch_lm, compiled", found)


def _add(row: AddRow, name: str, found: dict[str, tuple[float, float, float]]) -> None:
    (arrays, time_ps, _), (own_arrays, own_ps, seconds) = found["linear"], found["spread"]
    against = f"{arrays} arrays, {time_ps / 1e6:.1f} us and {found['linear'][2]:.2f} s along the lowest line"
    row(f"place {name}: {own_arrays} arrays", seconds=seconds, ratio=own_arrays / arrays, against=against, target=1)
    row(f"place {name}: {own_ps / 1e6:.1f} us", seconds=seconds, ratio=own_ps / time_ps, against=against, target=1)


Line = tuple[int, int, int]
"""How far an array is filled, in rows, from a column on, for so many columns."""


def place_lowest_line(weights: Sequence[WeightTiles], array_rows: int, array_columns: int) -> list[Placement]:
    """Whole tiles: the widest that fits goes to the left end of the lowest line of the array, the tallest of these.

    Where none fits, the line is raised to that of its lower neighbour; once the lowest is at the top, another array is
    begun. No tile is cut, and stages do not count.
    """
    places = [np.zeros((len(weight.tiles), 3), np.int64) for weight in weights]
    waiting = sorted(
        (columns, rows, number, tile)
        for number, weight in enumerate(weights)
        for tile, (rows, columns) in enumerate(weight.tiles[:, 2:].tolist())
    )
    array = 0
    while waiting:
        lines: list[Line] = [(0, 0, array_columns)]
        while lines[(lowest := min(range(len(lines)), key=lambda i: lines[i][:2]))][0] < array_rows:
            filled, column, width = lines[lowest]
            chosen = _widest(waiting, width, array_rows - filled)
            if chosen is None:
                lines = _raised(lines, lowest, array_rows)
                continue
            columns, rows, number, tile = waiting.pop(chosen)
            places[number][tile] = array, filled, column
            rest = [(filled, column + columns, width - columns)] if width > columns else []
            lines[lowest : lowest + 1] = [(filled + rows, column, columns), *rest]
        array += 1
    return [Placement(weight.tiles, own) for weight, own in zip(weights, places)]


def _widest(waiting: Sequence[tuple[int, int, int, int]], columns: int, rows: int) -> int | None:
    """The widest tile that fits, by its place among those that wait."""
    place = bisect_right(waiting, (columns, 1 << 60, 0, 0)) - 1
    while place >= 0:
        if waiting[place][1] <= rows:
            return place
        place = bisect_right(waiting, (waiting[place][0], rows, 1 << 60, 0)) - 1
    return None


def _raised(lines: list[Line], lowest: int, top: int) -> list[Line]:
    """The lines with the lowest one at the height of its lower neighbour, of which it then is a part."""
    beside = [lines[i][0] for i in (lowest - 1, lowest + 1) if 0 <= i < len(lines)]
    height = min(beside, default=top)
    raised = [*lines[:lowest], (height, *lines[lowest][1:]), *lines[lowest + 1 :]]
    joined: list[Line] = []
    for filled, column, columns in raised:
        if joined and joined[-1][0] == filled:
            joined[-1] = (filled, joined[-1][1], joined[-1][2] + columns)
        else:
            joined.append((filled, column, columns))
    return joined
