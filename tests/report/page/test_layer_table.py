"""The table of layers: a row for each, a column for what there is to say."""

from dataclasses import replace

from cimc.report.page.layer_table import layer_columns
from cimc.report.study import Study


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


def test_errors_and_remarks(study: Study) -> None:
    notes = {"weight_error": 0.25, "monarch": "left dense: too small"}
    layers = (replace(study.report.layers[0], notes=notes), *study.report.layers[1:])
    columns = {c.title: c for c in layer_columns(replace(study, report=replace(study.report, layers=layers)))}
    assert [cell.text for cell in columns["error of weights"].cells] == ["0.25", "", ""]
    assert [cell.text for cell in columns["remarks"].cells] == ["monarch: left dense: too small", "", ""]
