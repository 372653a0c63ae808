"""Many tokens in flight: what the busiest arrays and the units do for each of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import altair as alt
import numpy as np

from cimc.program.arrays.copies import copies_of_values
from cimc.program.records import Opcode
from cimc.program.times.pipeline import Pipeline
from cimc.program.times.timing import activations_of, record_ends
from cimc.report.figures.figure import WIDTH, Figure, Panel, table, zooming
from cimc.report.figures.theme import tone
from cimc.report.figures.time_axis import MICROSECOND, evenly, lane_axis
from cimc.report.palette import layer_colors
from cimc.report.quantities import TIME, shown
from cimc.report.study import Study
from cimc.report.texts.text import limit_text

ARRAYS = 12
"""As many arrays are drawn, those that work for longest."""
INTERVALS = 4
"""As many intervals are drawn of tokens that fill the chip; from the first token on if it is over soon."""
JOINED = 1000
"""Bars of a token are one bar if less than this part of the picture lies between them."""
NAMED = 16
"""Tokens in the legend."""
BAR = 0.84
HEIGHT = 20


@dataclass(frozen=True)
class Use:
    """A token uses what lies in a lane, from and until when [ps]; of copies of a weight, every so manieth token one."""

    lane: str
    start: int
    end: int
    copies: int = 1
    copy: int = 0


def pipeline(studies: Sequence[Study]) -> Figure:
    """The busiest arrays and the units of each program."""
    return Figure(
        "pipeline",
        "Tokens in flight",
        "Each token begins an interval after the one before, and does the same. A bar is the time in which a unit or "
        f"one of the {ARRAYS} busiest arrays works for a token, in the token's colour. Lines are an interval apart.",
        tuple(_panel(study) for study in studies),
    )


def _panel(study: Study) -> Panel:
    schedule, prefill = study.report.pipeline, study.report.prefill["total"] or study.report.prefill["parameter"]
    if schedule is None or prefill is None:
        why = [note for note in study.report.notes if note.startswith("many tokens")]
        return Panel(study.label, None, tuple(f"{note[0].upper()}{note[1:]}." for note in why) or ("No times.",))
    uses = list(uses_of(study, schedule))
    latency = max((use.end for use in uses), default=0)
    flying = -(-latency // schedule.interval_ps)
    first = 0 if flying <= INTERVALS else flying
    window = range(first * schedule.interval_ps, (first + max(INTERVALS, flying * (not first))) * schedule.interval_ps)
    note = (
        f"One token every {shown(schedule.interval_ps / 1000, TIME)} ({limit_text(prefill)}). A token is done after "
        f"{shown(prefill['fill_ns'], TIME)}: {flying} are in flight."
    )
    return Panel(study.label, _chart(uses, schedule.interval_ps, window), (note,))


def uses_of(study: Study, schedule: Pipeline) -> Iterator[Use]:
    """What one token uses, from its own start on: the busiest arrays and all units."""
    records = study.program.instructions.copy()
    records["start"] = schedule.starts
    program = replace(study.program, instructions=records, operations=schedule.operations, pipeline=None)
    assert program.timing is not None
    units = program.timing.digital_units
    activations = activations_of(program, program.timing)
    busy = np.bincount(activations.array, activations.duration, len(program.arrays))
    kept = np.argsort(-busy, kind="stable")[:ARRAYS]
    adds = np.flatnonzero(program.instructions["op"] == Opcode.ADD)
    ends = record_ends(program, program.timing, activations)
    copies = copies_of_values(program.multiplications, program.weights, program.slots)
    for number in adds.tolist():
        record = program.instructions[number]
        turn = int(copies[record["y"]]), int(record["flags"])
        yield Use(unit_name(int(record["array"]), units), int(schedule.starts[number]), int(ends[number]), *turn)
    for _, _, unit, start, duration in schedule.operations.tolist():
        yield Use(unit_name(unit, units), start, start + duration)
    firsts = program.instructions[activations.records[np.unique(activations.of_record, return_index=True)[1]]]
    for number in np.flatnonzero(np.isin(activations.array, kept)).tolist():
        start, end = int(activations.start[number]), int(activations.start[number] + activations.duration[number])
        turn = int(copies[firsts["y"][number]]), int(firsts["flags"][number])
        yield Use(f"array {activations.array[number]}", start, end, *turn)


def unit_name(unit: int, digital: int) -> str:
    """What a lane is called: attention units are numbered behind the digital ones."""
    return f"digital unit {unit}" if unit < digital else f"attention unit {unit - digital}"


def _chart(uses: Sequence[Use], interval: int, window: range) -> alt.LayerChart | alt.FacetChart:
    names = list(Counter(use.lane for use in sorted(uses, key=_order)))
    lanes = {name: i for i, name in enumerate(names)}
    rows = [
        (use.lane, token, start / MICROSECOND, end / MICROSECOND, lane + (1 - BAR) / 2, lane + (1 + BAR) / 2)
        for lane, use, token, start, end in _in_window(uses, lanes, interval, window)
    ]
    tokens = sorted({row[1] for row in rows})
    scale = alt.Scale(domain=tokens, range=layer_colors(len(tokens)))
    named = alt.Legend(title="token", orient="bottom", columns=NAMED, values=evenly(tokens, NAMED))
    x = alt.X(
        "start:Q",
        title="time (µs)",
        scale=alt.Scale(domain=[window.start / MICROSECOND, window.stop / MICROSECOND], nice=False),
    )
    bars = (
        alt.Chart(table(("on", "token", "start", "end", "top", "bottom"), rows))
        .mark_rect(clip=True)
        .encode(
            x=x,
            x2="end",
            y=lane_axis(names, ""),
            y2="bottom",
            color=alt.Color("token:O", scale=scale, legend=named),
            tooltip=[
                "token:O",
                "on:N",
                alt.Tooltip("start:Q", title="from (µs)"),
                alt.Tooltip("end:Q", title="to (µs)"),
            ],
        )
        .add_params(zooming("x"))
    )
    begins = range(-(-window.start // interval), -(-window.stop // interval))
    lines = (
        alt.Chart(table(("start",), [(number * interval / MICROSECOND,) for number in begins]))
        .mark_rule(color=tone("second"), strokeDash=[4, 3], clip=True)
        .encode(x=x)
    )
    return alt.layer(bars, lines).properties(width=WIDTH, height=HEIGHT * max(1, len(names)))


def _order(use: Use) -> tuple[int, int]:
    """Digital units, attention units and arrays, each by their numbers."""
    kind, _, number = use.lane.rpartition(" ")
    return ("digital unit", "attention unit", "array").index(kind), int(number)


def _in_window(
    uses: Iterable[Use], lanes: dict[str, int], interval: int, window: range
) -> Iterator[tuple[int, Use, int, int, int]]:
    """Lane, use, token, begin and end [ps] of what all tokens do in a window; what nearly touches is one bar."""
    gap = len(window) // JOINED
    for use in _joined(sorted(uses, key=lambda use: (lanes[use.lane], use.start)), gap):
        first = max(0, -(-(window.start - use.end) // interval))
        for token in range(first, max(first, -(-(window.stop - use.start) // interval))):
            if token % use.copies != use.copy:
                continue
            start, end = use.start + token * interval, use.end + token * interval
            if end > window.start and start < window.stop:
                yield lanes[use.lane], use, token, start, end


def _joined(uses: Iterable[Use], gap: int) -> Iterator[Use]:
    last: Use | None = None
    for use in uses:
        same = last is not None and (last.lane, last.copies, last.copy) == (use.lane, use.copies, use.copy)
        if last is not None and same and use.start - last.end <= gap:
            last = replace(last, end=max(last.end, use.end))
            continue
        if last is not None:
            yield last
        last = use
    if last is not None:
        yield last
