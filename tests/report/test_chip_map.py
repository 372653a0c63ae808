"""The small map of a chip: every tile where it is, in the colour that the page gives it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cimc
from cimc.program.program import Program
from cimc.report.chip_map import EMPTY, chip_map, svg_of
from cimc.report.formats import marked_formats
from cimc.report.study import studies_of

MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"


def rectangles(path: str) -> list[tuple[int, ...]]:
    return [tuple(map(int, found)) for found in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", path)]


def test_tiles_in_their_arrays(handmade: Program) -> None:
    picture, drawn = svg_of(handmade)
    assert drawn == 2
    (empty, frames), (_, tiles) = re.findall(r'<path fill="(.*?)" d="(.*?)"/>', picture)
    pitch = chip_map(handmade.chip, 2).pitch
    assert empty == EMPTY
    assert chip_map(handmade.chip, 2).across == 2
    assert rectangles(frames) == [(0, 0, 8, 4), (pitch[0], 0, 8, 4)]
    assert rectangles(tiles) == [(pitch[0] + 4, 2, 3, 2), (pitch[0] + 4, 0, 3, 2)]


def test_a_band_below_each_array_tells_its_format(mixed: Program) -> None:
    """Half a gap high, a quarter of it below; the picture ends below the last bands."""
    picture, drawn = svg_of(mixed)
    assert drawn == 6
    paths = {color: path for color, path in re.findall(r'<path fill="(.*?)" d="(.*?)"/>', picture)}
    places = chip_map(mixed.chip, 6, banded=True)
    assert places.band == (4.25, 4.75)
    assert f'viewBox="0 0 {places.size[0]} {places.size[1]}"' in picture
    assert places.size[1] == places.lines * places.pitch[1] - 1 == places.lines * (4 + 2) - 1
    for marked in marked_formats(mixed):
        bands = re.findall(r"M(\d+) ([\d.]+)h4v0.5h-4z", paths[marked.color])
        assert [(int(x), float(y)) for x, y in bands] == [
            (array % places.across * places.pitch[0], array // places.across * places.pitch[1] + 4.25)
            for array in marked.arrays.tolist()
        ]


def test_colours_are_those_of_the_page() -> None:
    program = cimc.compile(MONARCH_LM)
    (study,) = studies_of({"m": program})
    picture, drawn = svg_of(program)
    colors = re.findall(r'<path fill="(.*?)"', picture)
    assert drawn == len(program.arrays)
    assert len(rectangles(picture)) == len(program.arrays) + len(program.tiles)
    weights = np.unique(program.tiles[:, 0]).tolist()
    assert colors == [EMPTY, *(study.colors[study.owner_of_weight[weight]] for weight in weights)]
    assert len(picture) < 25_000


def test_no_more_than_can_be_drawn(handmade: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cimc.report.chip_map.MOST_TILES", 1)
    picture, drawn = svg_of(handmade)
    assert drawn == 1
    assert len(rectangles(picture)) == 1
    assert svg_of(replace(handmade, arrays=handmade.arrays[:0], tiles=handmade.tiles[:0])) == ("", 0)
