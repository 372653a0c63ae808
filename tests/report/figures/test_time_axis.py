"""Which arrays figures over time draw, and how far their axis goes."""

from dataclasses import replace

from cimc.report.figures.time_axis import evenly, latest, working
from cimc.report.study import Study


def test_evenly() -> None:
    assert evenly([3, 5, 8], 3) == [3, 5, 8]
    assert evenly(range(10), 5) == [0, 2, 4, 6, 8]


def test_working(study: Study) -> None:
    """Activations count once, however many layers share them."""
    assert study.timeline is not None
    adcs = study.program.chip.adcs
    expected: dict[int, int] = {}
    for a in study.timeline.activations:
        duration = a.planes * (study.timeline.settle_ps + -(-a.columns // adcs) * a.adc_ps)
        expected[a.array] = expected.get(a.array, 0) + duration
    assert working(study.timeline) == expected


def test_latest(study: Study) -> None:
    assert study.timeline is not None
    assert latest([replace(study, timeline=None)]) == 0
    assert latest([study, replace(study, timeline=None)]) == study.timeline.end_ps / 1e6
