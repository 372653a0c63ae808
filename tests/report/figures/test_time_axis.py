"""Which arrays figures over time draw, and how far their axis goes."""

from dataclasses import replace

from cimc.report.figures.time_axis import against_latency, evenly, latest, working
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


def test_schedule_and_latency(study: Study) -> None:
    """They differ where the compiler took 1 for a dimension that the report counts with another size."""
    assert study.timeline is not None
    time = replace(study.timeline, end_ps=2_000_000)

    def told(total: float | None, dims: dict[str, int]) -> list[str]:
        report = replace(study.report, latency_ns={"total": total}, conditions={"dims": dims})
        return list(against_latency(replace(study, report=report), time))

    assert told(2000.0, {"past": 512}) == told(None, {}) == []
    assert told(3000.0, {"batch": 1, "past": 512}) == [
        "The schedule takes 2 µs, the latency with digital operators is 3 µs: the schedule was made by the compiler, "
        "which took 1 for every dimension that was left open; the latency is that of the same order with digital "
        "operators for batch = 1, past = 512."
    ]
    assert told(3000.0, {})[0].endswith("for the whole run.")
