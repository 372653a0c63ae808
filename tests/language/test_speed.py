"""How fast text is read and written, here and on the chip."""

from collections.abc import Callable
from pathlib import Path

import pytest

import cimc
from cimc.language import speed
from cimc.language.checking import Check
from cimc.language.context import Values
from cimc.language.session import Session
from cimc.language.speed import Stopwatch, chip_line
from cimc.machine.check import Reference
from cimc.options.conditions import Conditions
from cimc.report.quantities import ENERGY, TIME, number, plainly
from cimc.report.report import report_of

Model = Callable[..., Path]


@pytest.fixture
def session(language_model: Model, tmp_path: Path) -> Session:
    return Session(cimc.compile(language_model(), reference=tmp_path / "ref.onnx"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands until a test moves it."""
    now = [0.0]
    monkeypatch.setattr(speed.time, "perf_counter", lambda: now[0])
    return now


def moving(session: Session, clock: list[float], seconds: float) -> None:
    """Every run takes so long."""
    run = session.run

    def slow(inputs: Values) -> Values:
        clock[0] += seconds
        return run(inputs)

    session.run = slow


def test_reading_and_writing(session: Session, clock: list[float]) -> None:
    moving(session, clock, 0.5)
    watch = Stopwatch(session)
    written = list(watch.timed(session.generate([3, 1, 4], max_tokens=5)))
    assert len(written) == watch.written == 5
    assert (watch.reading, watch.writing, watch.prompt) == (0.5, 2.0, 3)
    assert str(watch) == "read 3 tokens in 0.50 s (6 a second), wrote 5 in 2.00 s (2 a second)"


def test_a_token_that_stops_took_time_too(session: Session, clock: list[float]) -> None:
    first = list(session.generate([3, 1, 4], max_tokens=3))
    session.reset()
    moving(session, clock, 0.25)
    watch = Stopwatch(session)
    written = list(watch.timed(session.generate([3, 1, 4], max_tokens=9, stop=first[2:])))
    steps = first.index(first[2])
    assert (watch.written, watch.writing) == (len(written), 0.25 * steps)
    assert str(watch).endswith(f"wrote {len(written)} in {0.25 * steps:.2f} s (4 a second)")


def test_nothing_but_the_prompt(session: Session, clock: list[float]) -> None:
    moving(session, clock, 0.5)
    watch = Stopwatch(session)
    assert len(list(watch.timed(session.generate([3, 1, 4], max_tokens=1)))) == 1
    assert str(watch) == "read 3 tokens in 0.50 s (6 a second), wrote 1"


def test_checks_take_no_time(session: Session, clock: list[float], tmp_path: Path) -> None:
    moving(session, clock, 0.5)
    check = Check(session, Reference(tmp_path / "ref.onnx").run)
    reference = check.reference

    def slow(inputs: Values) -> Values:
        clock[0] += 100
        return reference(inputs)

    check.reference = slow
    watch = Stopwatch(session, check)
    list(watch.timed(session.generate([3, 1, 4], max_tokens=3)))
    assert (watch.reading, watch.writing) == (0.5, 1.0)


def test_on_the_chip(session: Session) -> None:
    """As the report says it for one token after all that was read."""
    list(session.generate([3, 1, 4], max_tokens=8))
    dims = {"batch": 1, "sequence": 1, "past": 10, "total": 11}
    report = report_of(session.machine.program, Conditions(dims, context=10, tokens=3))
    latency, prefill = report.latency_ns["total"], report.prefill["total"]
    assert latency is not None
    assert prefill is not None
    assert chip_line(session, 3) == (
        f"on pcm-256: {plainly(latency, TIME)} and {plainly(report.energy_pj['total'], ENERGY)} a token after 10 "
        f"({number(float(f'{1e9 / latency:.3g}'))} a second), the prompt of 3 in {plainly(prefill['latency_ns'], TIME)}"
    )
