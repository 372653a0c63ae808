"""The map of the chip: every tile where it lies, or less where there are too many."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cimc.program.program import Program
from cimc.report.chip_map import chip_map
from cimc.report.figures.figure import Panel
from cimc.report.figures.maps import occupancy as module
from cimc.report.figures.maps.occupancy import occupancy
from cimc.report.study import Study, studies_of

Rows = Callable[[Panel, str], list[dict[str, str]]]


def test_every_tile_is_drawn_where_it_lies(study: Study, rows: Rows) -> None:
    (panel,) = occupancy([study]).panels
    found = [[int(row[key]) for key in module.COLUMNS] for row in rows(panel, "from_row")]
    owners = study.owner_of_weight
    assert found == [
        [owners[weight], array, row, column, height, width, k, n]
        for weight, array, row, column, height, width, k, n in study.program.tiles.tolist()
    ]
    assert panel.notes == ()
    assert "band" not in occupancy([study]).text


def test_tiles_at_one_place_are_drawn_once(study: Study, rows: Rows) -> None:
    tiles = np.concatenate([study.program.tiles, study.program.tiles[:1]])
    (panel,) = occupancy([replace(study, program=replace(study.program, tiles=tiles))]).panels
    assert len(rows(panel, "from_row")) == len(study.program.tiles)
    assert panel.notes == ("1 tiles more lie where an equal one does: the first of each place is drawn.",)


def test_tiles_of_a_weight_that_two_layers_share_name_both(study: Study, rows: Rows) -> None:
    (panel,) = occupancy([study]).panels
    assert [row["nodes"] for row in rows(panel, "nodes")] == ["first, again", "first, again", "last"]


def test_arrays_stand_in_a_landscape(study: Study, big_study: Study) -> None:
    for own in (study, big_study):
        (panel,) = occupancy([own]).panels
        assert panel.aspect is not None
        assert 0.2 < panel.aspect < 1
        assert round(panel.spec()["width"] * panel.aspect) == panel.spec()["height"]


def test_bands_tell_formats(mixed: Program, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each array; where arrays bear no numbers, one for neighbours in a line."""
    (study,) = studies_of({"mixed.cim": mixed})
    assert occupancy([study]).text.endswith("A band below each array has the colour of its format.")
    (panel,) = occupancy([study]).panels
    bands = {int(row["array"]): row["format"] for row in rows(panel, "format")}
    numbers: list[int] = mixed.array_formats.tolist()
    expected = [mixed.formats[number] for number in numbers]
    assert [bands[array].split(",")[0] for array in range(6)] == list(map(str, expected))
    assert {row["arrays"] for row in rows(panel, "format")} == {"1"}
    monkeypatch.setattr(module, "NUMBERED", 5)
    (panel,) = occupancy([study]).panels
    across = chip_map(mixed.chip, 6, numbered=True, banded=True).across
    runs = [(int(row["array"]), int(row["arrays"])) for row in rows(panel, "format")]
    assert sum(arrays for _, arrays in runs) == 6
    assert all(first // across == (first + arrays - 1) // across for first, arrays in runs)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 19, 162, 4608])
def test_few_places_stay_empty(count: int, study: Study, rows: Rows) -> None:
    program = replace(study.program, arrays=np.zeros((count, 4, 4), np.int8), tiles=study.program.tiles[:0])
    (panel,) = occupancy([replace(study, program=program)]).panels
    frames = next(t for t in panel.spec()["datasets"].values() if t.startswith("array\n"))
    assert frames.split() == ["array", *map(str, range(count))]
    across = int(panel.spec()["layer"][0]["transform"][0]["calculate"].split("%")[1].split(")")[0])
    assert -count % across <= max(1, 0.15 * count)


def test_too_many_tiles_become_strips(study: Study, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each as large as what the layer takes of the array; the page says so."""
    tiles = study.program.tiles
    count = len(np.unique(tiles[:, :2], axis=0))
    halves = np.concatenate([tiles, tiles])
    halves[:, 5] //= 2
    halves[len(tiles) :, 3] += halves[: len(tiles), 5]
    split = replace(study, program=replace(study.program, tiles=halves))
    monkeypatch.setattr(module, "MOST_MARKS", len(tiles))
    (panel,) = occupancy([split]).panels
    strips = rows(panel, "rows")
    assert len(strips) <= count
    area = sum(float(strip["rows"]) * float(strip["arrays"]) for strip in strips) * study.program.chip.columns
    assert area == pytest.approx((halves[:, 4] * halves[:, 5]).sum())
    assert panel.notes[0].startswith(f"{len(halves)} tiles are too many to draw one by one")
    assert "from_row" not in str(panel.spec())


def test_more_strips_than_can_be_drawn(study: Study, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MARKS", 0)
    monkeypatch.setattr(module, "MOST_STRIPS", 1)
    (panel,) = occupancy([study]).panels
    strips = rows(panel, "rows")
    assert len(strips) == 1
    assert panel.notes[1] == f"Arrays after number {strips[-1]['array']} of {len(study.program.arrays)} are left out."


def test_equal_neighbours_are_one(big_study: Study, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line, so that 4,608 arrays are few marks, which cover all of them."""
    monkeypatch.setattr(module, "MOST_MARKS", 100)
    (panel,) = occupancy([big_study]).panels
    strips = [(int(row["layer"]), int(row["array"]), int(row["arrays"])) for row in rows(panel, "rows")]
    assert len(strips) < 150
    drawn = np.concatenate([np.arange(first, first + count) for _, first, count in strips])
    assert np.array_equal(np.sort(drawn), np.arange(4608))
    layers = {array: layer for layer, first, count in strips for array in range(first, first + count)}
    owner = big_study.owner_of_weight
    assert all(layers[array] == owner[weight] for weight, array in big_study.program.tiles[:, :2].tolist())


def test_large_chips_have_no_numbers(study: Study, big_study: Study) -> None:
    counts = [len(occupancy([own]).panels[0].spec()["layer"]) for own in (study, big_study)]
    assert counts == [3, 2]


def test_arrays_of_loads_are_not_there_all_at_once(
    reloaded_study: Study, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    (panel,) = occupancy([reloaded_study]).panels
    texts = [row["text"] for row in rows(panel, "text")]
    assert texts[:6] == ["0: load 0", "1", "2", "3", "4: load 1", "5"]
    assert panel.notes == (
        "Not all at once: weights pass through the chip in parts, one load after the other (arrays 0 to 3, 4 to 7, "
        "8 to 11).",
    )
    monkeypatch.setattr(module, "MOST_LOADS", 1)
    assert occupancy([reloaded_study]).panels[0].notes[0].endswith("(arrays 0 to 3, and so on: 3 loads).")
