"""What all figures have in common: data, colours, specifications that Vega-Lite takes."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
import vl_convert

from cimc.report.figures.all_figures import COMPARING, Draw
from cimc.report.figures.figure import PICKED, VEGA_LITE, table
from cimc.report.figures.maps.occupancy import occupancy
from cimc.report.study import Study


@pytest.mark.parametrize("draw", COMPARING, ids=lambda draw: draw.__name__)
def test_specifications_are_vega_lite(draw: Draw, study: Study) -> None:
    """They compile, hold their data, and nothing in them is to be loaded."""
    other = replace(study, label="other")
    for panel in (*draw([study]).panels, *draw([study, other]).panels):
        if panel.chart is None:
            assert panel.notes
            continue
        spec = panel.spec()
        vega = vl_convert.vegalite_to_vega(spec, vl_version=VEGA_LITE)
        data = [data for data in vega["data"] if not data["name"].endswith("_store")]
        assert data
        assert all("values" in own or "source" in own for own in data)
        assert "url" not in str(spec)


@pytest.mark.parametrize("draw", COMPARING, ids=lambda draw: draw.__name__)
def test_a_program_without_arrays_and_times(draw: Draw, empty_study: Study) -> None:
    """What cannot be drawn is left out with a sentence."""
    for panel in draw([empty_study]).panels:
        assert panel.chart is not None or all(note.endswith(".") for note in panel.notes)
        if panel.chart is not None:
            vl_convert.vegalite_to_vega(panel.spec(), vl_version=VEGA_LITE)


def test_tables_keep_every_character() -> None:
    data: dict[str, Any] = table(("name", "count"), [('a,"b"\nc', 1), ("ä <script>", 2.5)]).to_dict()
    assert list(csv.reader(io.StringIO(data["values"]))) == [
        ["name", "count"],
        ['a,"b"\nc', "1"],
        ["ä <script>", "2.5"],
    ]
    assert data["format"] == {"type": "csv", "parse": {"name": "string", "count": "number"}}
    assert table(("name",), []).to_dict()["values"] == "name\n"


def test_a_legend_names_a_few_layers(study: Study, big_study: Study) -> None:
    for own, named in ((study, [0, 1, 2]), (big_study, [0, 3, 7, 10, 13, 16, 20, 23])):
        color = occupancy([own]).panels[0].spec()["layer"][1]["encoding"]["color"]
        assert color["scale"] == {"domain": list(range(len(own.colors))), "range": own.colors}
        assert color["legend"]["values"] == named


def test_layers_with_names_that_are_no_words(study: Study) -> None:
    """Quotes, backslashes and control characters of ONNX names go through."""
    layers = tuple(replace(layer, node=f"{i}'\"\\/\u2028\t") for i, layer in enumerate(study.report.layers))
    odd = replace(study, report=replace(study.report, layers=layers))
    for draw in COMPARING:
        for panel in draw([odd]).panels:
            if panel.chart is not None:
                assert vl_convert.vegalite_to_svg(panel.spec(), vl_version=VEGA_LITE).startswith("<svg")


def test_every_chart_of_layers_can_let_one_stand_out(study: Study) -> None:
    drawn = {figure.name: figure.panels[0] for figure in (draw([study]) for draw in COMPARING)}
    for name in ("occupancy", "schedule", "converters", "layer-time"):
        assert {"name": PICKED, "value": None} in drawn[name].spec()["params"]


def test_pages_of_large_networks_stay_small(big_study: Study) -> None:
    sizes = {
        d.__name__: sum(len(str(p.spec())) for p in d([big_study]).panels if p.chart is not None) for d in COMPARING
    }
    assert sum(sizes.values()) < 2_000_000, sizes
