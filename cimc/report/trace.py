"""Schedules in the trace event format that Perfetto and Chrome's tracing open."""

from collections.abc import Iterator, Sequence
from typing import Any

from cimc.report.study import Study
from cimc.report.timeline import Event, Resource

MICROSECOND = 1e6
"""In picoseconds: the format counts in microseconds, and takes fractions of them."""
COUNTED = "one token; digital operators as the compiler scheduled them, with 1 for every dimension that was left open"
"""What stands in a trace beside its programs, for the totals of the report may count larger dimensions."""
PROCESSES = {
    Resource.STAGE: "stages",
    Resource.INTERCONNECT: "interconnect",
    Resource.DIGITAL: "digital units",
    Resource.ATTENTION: "attention units",
    Resource.ARRAY: "arrays",
    Resource.PROGRAMMING: "arrays that are programmed",
}
"""Resources are processes, in this order; their arrays and units are threads, counted from 1: 0 is the idle one."""


def trace_of(studies: Sequence[Study]) -> dict[str, Any]:
    """The schedules of programs for one token; those made without times have none."""
    events = [event for number, study in enumerate(studies) for event in _events(number, study, len(studies) > 1)]
    programs = [
        {"program": s.label, "model": s.program.source.file, "mapping": s.report.mapping, "chip": s.report.chip["name"]}
        for s in studies
    ]
    other = {"counted": COUNTED, "programs": programs}
    return {"displayTimeUnit": "ns", "otherData": other, "traceEvents": events}


def _events(number: int, study: Study, several: bool) -> Iterator[dict[str, Any]]:
    if study.timeline is None:
        return
    processes = {resource: 1 + number * len(PROCESSES) + i for i, resource in enumerate(PROCESSES)}
    lanes = sorted({(event.resource, event.unit) for event in study.timeline.events})
    for resource in dict.fromkeys(resource for resource, _ in lanes):
        name = f"{study.label}: {PROCESSES[resource]}" if several else PROCESSES[resource]
        yield _about("process_name", processes[resource], 0, name=name)
        yield _about("process_sort_index", processes[resource], 0, sort_index=processes[resource])
    for resource, unit in lanes:
        yield _about("thread_name", processes[resource], unit + 1, name=_thread(resource, unit))
        yield _about("thread_sort_index", processes[resource], unit + 1, sort_index=unit)
    for event in study.timeline.events:
        yield _complete(event, processes[event.resource])


def _thread(resource: Resource, unit: int) -> str:
    if resource is Resource.STAGE:
        return f"stages {unit}" if unit else "stages"
    return f"{Resource.ARRAY if resource is Resource.PROGRAMMING else resource} {unit}"


def _about(event: str, process: int, thread: int, **args: str | int) -> dict[str, Any]:
    """A metadata event."""
    return {"ph": "M", "name": event, "pid": process, "tid": thread, "args": args}


def _complete(event: Event, process: int) -> dict[str, Any]:
    args = {"node": event.node, "does": event.does, "stage": event.stage, "picoseconds": event.duration_ps}
    return {
        "ph": "X",
        "name": event.node or event.does,
        "cat": str(event.resource),
        "pid": process,
        "tid": event.unit + 1,
        "ts": event.start_ps / MICROSECOND,
        "dur": event.duration_ps / MICROSECOND,
        "args": {key: value for key, value in args.items() if value not in (None, "")},
    }
