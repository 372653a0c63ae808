"""The table of layers: a row for each, a column for what there is to say."""

from dataclasses import replace

from cimc.program.program import Program
from cimc.report.page.layer_table import layer_columns
from cimc.report.study import Study, studies_of


def test_columns(study: Study) -> None:
    columns = {column.title: column for column in layer_columns(study)}
    assert [cell.text for cell in columns["node"].cells] == ["first", "again", "last"]
    assert [cell.text for cell in columns["weight"].cells] == ["4\u00d76", "4\u00d76", "6\u00d76"]
    assert [cell.key for cell in columns["weight"].cells] == [24, 24, 36]
    assert [cell.text for cell in columns["tiles"].cells] == [str(layer.tiles) for layer in study.report.layers]
    assert not {"remarks", "error of weights"} & columns.keys()


def test_bars_are_shares_of_the_largest(study: Study) -> None:
    (latency,) = (column for column in layer_columns(study) if column.title.startswith("latency"))
    times = [layer.latency_ns or 0 for layer in study.report.layers]
    assert [cell.bar for cell in latency.cells] == [time / max(times) for time in times]
    assert [cell.key for cell in latency.cells] == times


def test_formats_are_shown_where_they_tell_something(study: Study, mixed: Program) -> None:
    columns = {c.title: c for c in layer_columns(study)}
    assert [cell.text for cell in columns["crossbars"].cells] == ["8", "8", "16"]
    assert not {"format", "input bits", "quantised to bits", "error of quantising"} & columns.keys()
    (other,) = studies_of({"mixed.cim": mixed})
    columns = {c.title: c for c in layer_columns(other)}
    assert [cell.text for cell in columns["format"].cells] == [
        "4-bit offset, centred", "4-bit offset, centred", "8-bit differential, offset",
    ]  # fmt: skip
    assert [cell.text for cell in columns["input bits"].cells] == ["8", "8", "5"]


def test_what_weights_were_quantised_to(study: Study) -> None:
    notes = {"weight_bits": 4.0, "weight_group": 128.0, "quantisation_error": 0.25, "largest_scale_error": 0.5}
    layers = (replace(study.report.layers[0], notes=notes), *study.report.layers[1:])
    columns = {c.title: c for c in layer_columns(replace(study, report=replace(study.report, layers=layers)))}
    titles = ("quantised to bits", "rows of a scale", "error of quantising", "with scales of largest values")
    assert [columns[title].cells[0].text for title in titles] == ["4", "128", "0.25", "0.5"]
    assert [columns[title].cells[1].text for title in titles] == [""] * 4


def test_errors_and_remarks(study: Study) -> None:
    notes = {"weight_error": 0.25, "monarch": "left dense: too small", "choice": "fewer lose more"}
    layers = (replace(study.report.layers[0], notes=notes), *study.report.layers[1:])
    columns = {c.title: c for c in layer_columns(replace(study, report=replace(study.report, layers=layers)))}
    assert [cell.text for cell in columns["error of weights"].cells] == ["0.25", "", ""]
    remarks = "monarch: left dense: too small; choice: fewer lose more"
    assert [cell.text for cell in columns["remarks"].cells] == [remarks, "", ""]
