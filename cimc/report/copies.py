"""Which weights are copied, how evenly arrays are at work, and what the copies bought (docs/mappings.md)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.report.cost.program_time import ProgramTime
from cimc.report.quantities import TIME, plainly

_NAMED = 3
"""How many of the copied weights a line names."""
_GAIN = "copies_gain"


@dataclass(frozen=True)
class Copied:
    """A weight that lies in the arrays more than once, by the first node that multiplies by it."""

    node: str
    copies: int


@dataclass(frozen=True)
class ArrayWork:
    """What arrays do for a token or an inference, on average over many of them [ns]: the busiest of them, and all over
    their number.

    A vector follows another at the earliest when the busiest array can. `without_copies_ns` is what that would do if no
    weight was copied, as the mapping estimated; None where none is.
    """

    busiest_ns: float
    average_ns: float
    without_copies_ns: float | None

    @property
    def ratio(self) -> float:
        """Of the busiest array to the average, 1 at least."""
        return self.busiest_ns / self.average_ns if self.average_ns else 1.0


def copied_weights(program: Program) -> tuple[Copied, ...]:
    """The weights with copies, in the order in which the network uses them."""
    nodes: dict[int, str] = {}
    for made in program.multiplications:
        nodes.setdefault(made.weight, made.node)
    weights = program.weights
    return tuple(Copied(node, weights[number].copies) for number, node in nodes.items() if weights[number].copies > 1)


def array_work(program: Program, time: ProgramTime | None) -> ArrayWork | None:
    """The work of a program's arrays; None if it says nothing about time."""
    if time is None:
        return None
    gain = program.notes.get(_GAIN)
    copied = any(weight.copies > 1 for weight in program.weights)
    without = time.array_busy_ns * gain if copied and isinstance(gain, int | float) else None
    return ArrayWork(time.array_busy_ns, time.array_mean_ns, without)


def copies_lines(copied: Sequence[Copied], work: ArrayWork | None, per: str) -> Iterator[str]:
    """Which weights are copied and what it bought, for a summary; nothing where none is."""
    if copied:
        yield f"copies        {_named(copied)}"
    if copied and work is not None:
        yield f"busiest array {_bought(work, per)}"


def copies_sentences(copied: Sequence[Copied], work: ArrayWork | None, per: str) -> Iterator[str]:
    """The same as sentences, for a page."""
    if copied:
        bought = "" if work is None else f"; the busiest array works {_bought(work, per)}"
        yield f"Copied: {_named(copied)}{bought}."


def _named(copied: Sequence[Copied]) -> str:
    """As in `5 weights: /a 4x, /b 2x, /c 2x and 2 more`."""
    most = sorted(copied, key=lambda own: -own.copies)
    named = ", ".join(f"{one_line(own.node)} {own.copies}x" for own in most[:_NAMED])
    more = f" and {len(copied) - _NAMED:,} more" if len(copied) > _NAMED else ""
    return f"{len(copied):,} weight{'s' if len(copied) > 1 else ''}: {named}{more}"


def _bought(work: ArrayWork, per: str) -> str:
    """As in `1.85 us a token, 1.07x what all do on average; 3.1 us without copies`."""
    without = work.without_copies_ns
    bought = "" if without is None else f"; {plainly(without, TIME)} without copies"
    return f"{plainly(work.busiest_ns, TIME)} {per}, {work.ratio:.2f}x what all do on average{bought}"
