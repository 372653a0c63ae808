"""Time and energy by layer: the numbers of the report, in one unit."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cimc.report.figures import layers as module
from cimc.report.figures.figure import Panel
from cimc.report.figures.layers import layer_energies, layer_times
from cimc.report.quantities import TIME, scale_of
from cimc.report.study import Study

Rows = Callable[[Panel, str], list[dict[str, str]]]


def with_energy(study: Study, *energies: float | None) -> Study:
    layers = tuple(
        replace(layer, energy_pj=energy) for layer, energy in zip(study.report.layers, energies, strict=True)
    )
    return replace(study, report=replace(study.report, layers=layers))


def test_times(study: Study, rows: Rows) -> None:
    (panel,) = layer_times([study]).panels
    times = [layer.latency_ns or 0 for layer in study.report.layers]
    divisor, unit = scale_of(max(times), TIME)
    assert [float(row["value"]) for row in rows(panel, "value")] == [time / divisor for time in times]
    assert panel.spec()["encoding"]["y"]["title"] == f"time ({unit})"


def test_energies(study: Study, rows: Rows) -> None:
    (panel,) = layer_energies([with_energy(study, 500.0, None, 2000.0)]).panels
    assert [(row["layer"], float(row["value"])) for row in rows(panel, "value")] == [("0", 0.5), ("2", 2.0)]
    assert panel.spec()["encoding"]["y"]["title"] == "energy (nJ)"


def test_no_figure_is_no_chart(study: Study) -> None:
    (panel,) = layer_energies([with_energy(study, None, None, None)]).panels
    assert panel.chart is None
    assert panel.notes == ("The program has no energy by layer, so this is not shown.",)


def test_the_largest_of_many_layers(study: Study, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LAYERS", 2)
    (panel,) = layer_energies([with_energy(study, 3.0, 1.0, 2.0)]).panels
    assert [row["layer"] for row in rows(panel, "value")] == ["0", "2"]
    assert panel.notes == ("Only the largest 2 of 3 layers are drawn.",)


def test_programs_have_one_scale(study: Study) -> None:
    figure = layer_energies([with_energy(study, 1.0, 1.0, 1.0), with_energy(study, 4.0, 1.0, 1.0)])
    assert [p.spec()["encoding"]["y"]["scale"]["domain"] for p in figure.panels] == [[0, 4.0]] * 2
