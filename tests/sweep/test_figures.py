"""Figures: every number of a report that is not of a layer, named by its path."""

from pathlib import Path

from cimc.compiler import Options, compile_network
from cimc.report.report import report_of
from cimc.sweep.figures import figures_of


def test_figures_of_a_report(network: Path) -> None:
    report = report_of(compile_network(network, Options(chip="tiny-4", measure=False)).program)
    figures = figures_of(report)
    assert figures["arrays"] == report.arrays
    assert figures["utilization"] == report.utilization
    for name, split in (("latency_ns", report.latency_ns), ("energy_pj", report.energy_pj)):
        assert {f"{name}.{part}": value for part, value in split.items()}.items() <= figures.items()
    assert all(value is None or type(value) in (int, float) for value in figures.values())
    assert not any(name.startswith(("chip", "conditions", "layers", "sources", "mapping")) for name in figures)
