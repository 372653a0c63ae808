"""How fast a text is read and written: here, and on the chip as the report reckons it."""

import time
from collections.abc import Iterator

from cimc.language.checking import Check
from cimc.language.session import Session
from cimc.options.conditions import Conditions
from cimc.report.quantities import ENERGY, TIME, number, plainly


class Stopwatch:
    """Times tokens as they are written: the first takes as long as reading the prompt. Time of a check is left out."""

    def __init__(self, session: Session, check: Check | None = None) -> None:
        self.session, self.check = session, check
        self.reading = self.writing = 0.0
        """Seconds."""
        self.written = 0
        """Tokens that were given out."""
        self.prompt = 0
        """Tokens that had been read when the first was."""

    def timed(self, tokens: Iterator[int]) -> Iterator[int]:
        """The same tokens."""
        while True:
            start = self._now()
            token = next(tokens, None)
            seconds = self._now() - start
            if self.prompt:
                self.writing += seconds
            else:
                self.reading, self.prompt = seconds, self.session.length
            if token is None:
                return
            self.written += 1
            yield token

    def _now(self) -> float:
        return time.perf_counter() - (0.0 if self.check is None else self.check.seconds)

    def __str__(self) -> str:
        """As a line: `read 37 tokens in 0.42 s (88.1 a second), wrote 8 in 0.35 s (22.9 a second)`."""
        steps = self.session.length - self.prompt  # the last token is not read, and the first came with the prompt
        line = f"read {self.prompt:,} tokens in {self.reading:.2f} s ({_rate(self.prompt, self.reading)})"
        wrote = f"{line}, wrote {self.written:,}"
        return f"{wrote} in {self.writing:.2f} s ({_rate(steps, self.writing)})" if steps else wrote


def _rate(count: int, seconds: float) -> str:
    return f"{number(float(f'{count / max(seconds, 1e-9):.3g}'))} a second"


def chip_line(session: Session, prompt: int) -> str:
    """Time and energy of a token after all that the session has read, and the time of a prompt of so many tokens.

    Without digital operators, where the report cannot count them: that stands in the line, too.
    """
    from cimc.report.report import report_of  # takes a while, for which the first words need not wait

    context = max(session.length, 1)
    conditions = Conditions(session.ports.dims(context), context=context, tokens=prompt)
    report = report_of(session.machine.program, conditions)
    part = "parameter" if report.latency_ns["total"] is None else "total"
    latency, energy, prefill = report.latency_ns[part], report.energy_pj[part], report.prefill[part]
    line = f"on {report.chip['name']}: {plainly(latency, TIME)} and {plainly(energy, ENERGY)} a token after {context:,}"
    if latency:
        line += f" ({_rate(1, latency * 1e-9)})"
    if prefill is not None:
        line += f", the prompt of {prompt:,} in {plainly(prefill['latency_ns'], TIME)}"
    return line if part == "total" else f"{line}; arrays alone, digital operators are not counted (see cim-report)"
