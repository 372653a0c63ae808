"""Figures: every number of a report that is not of a layer, named by its path."""

from pathlib import Path

from cimc.compiler import Options, compile_network
from cimc.program.distance import PROGRAM, Distance
from cimc.report.report import report_of
from cimc.sweep.figures import figures_of, measured_figures


def test_figures_of_a_report(network: Path) -> None:
    report = report_of(compile_network(network, Options(chip="tiny-4", measure=False)).program)
    figures = figures_of(report)
    assert figures["arrays"] == report.arrays
    assert figures["utilization"] == report.utilization
    for name, split in (("latency_ns", report.latency_ns), ("energy_pj", report.energy_pj)):
        assert {f"{name}.{part}": value for part, value in split.items()}.items() <= figures.items()
    assert all(value is None or type(value) in (int, float) for value in figures.values())
    others = ("chip", "conditions", "layers", "sources", "mapping", "measured", "options")
    assert not any(name.startswith(others) for name in figures)
    assert figures["may_clip.conversions"] == 0


def test_what_was_measured() -> None:
    clipping = {0: (3, 4), 1: (0, 8)}
    assert measured_figures(Distance(False, 0.5, 2.0, "y", "y", ran=PROGRAM, clipping=clipping)) == {
        "measured.cosine": 0.5,
        "measured.largest_difference": 2.0,
        "measured.clipped": 3,
        "measured.conversions": 12,
    }
    assert set(measured_figures(Distance(False, failure="too slow")).values()) == {None}
