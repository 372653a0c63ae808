"""Traces in the trace event format: metadata events, complete events, microseconds."""

import json
from dataclasses import replace

import onnx
import pytest

from cimc.report.study import Study
from cimc.report.timeline import timeline_of
from cimc.report.trace import trace_of


def test_complete_events(study: Study) -> None:
    """One for each event of the timeline, with its start and duration in microseconds and its node."""
    assert study.timeline is not None
    trace = json.loads(json.dumps(trace_of([study])))
    complete = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert len(complete) == len(study.timeline.events)
    for event, own in zip(complete, study.timeline.events, strict=True):
        assert event["ts"] == own.start_ps / 1e6
        assert event["dur"] == own.duration_ps / 1e6
        assert event["tid"] == own.unit + 1
        assert event["args"].get("node", "") == own.node
    assert {event["name"] for event in complete} >= {"first", "again", "last"}
    assert trace["otherData"]["programs"][0]["model"] == "network.onnx"


def test_processes_and_threads_have_names(study: Study) -> None:
    events = trace_of([study])["traceEvents"]
    processes = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    threads = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert set(processes.values()) == {"stages", "interconnect", "digital units", "arrays"}
    used = {(e["pid"], e["tid"]) for e in events if e["ph"] == "X"}
    assert used == set(threads)
    assert {pid for pid, _ in used} == set(processes)
    assert {"array 0", "digital unit 0", "interconnect 0", "stages"} <= set(threads.values())


def test_several_programs(study: Study) -> None:
    """Each has processes of its own, named after it."""
    events = trace_of([study, replace(study, label="other")])["traceEvents"]
    names = [e["args"]["name"] for e in events if e["name"] == "process_name"]
    assert len({e["pid"] for e in events if e["name"] == "process_name"}) == len(names) == 8
    assert {"p: arrays", "other: arrays"} <= set(names)


def test_a_program_without_times(study: Study) -> None:
    assert trace_of([replace(study, timeline=None)])["traceEvents"] == []


@pytest.mark.parametrize("key", ["ph", "name", "pid", "tid", "args"])
def test_every_event_has_what_the_format_demands(study: Study, key: str) -> None:
    assert all(key in event for event in trace_of([study])["traceEvents"])


def test_names_that_are_no_text(study: Study) -> None:
    """A damaged name in a kernel is bytes to protobuf; the trace can be written all the same."""
    kernels = [
        replace(kernel, model=kernel.model.replace(node.name.encode(), node.name.encode()[:-1] + b"\xf4"))
        for kernel in study.program.kernels
        for node in onnx.load_model_from_string(kernel.model).graph.node[:1]
    ]
    program = replace(study.program, kernels=kernels)
    events = trace_of([replace(study, program=program, timeline=timeline_of(program))])["traceEvents"]
    assert "xf4" in json.dumps(events)


def test_arrays_that_are_programmed_are_a_process(reloaded_study: Study) -> None:
    events = trace_of([reloaded_study])["traceEvents"]
    (process,) = (
        e["pid"] for e in events if e["name"] == "process_name" and e["args"]["name"] == "arrays that are programmed"
    )
    own = [e for e in events if e["pid"] == process and e["ph"] == "X"]
    assert [(e["name"], e["dur"]) for e in own[:4]] == [("load 0: up to 4 rows are programmed", 0.08)] * 4
    assert {e["args"]["name"] for e in events if e["pid"] == process and e["name"] == "thread_name"} == {
        f"array {number}" for number in range(12)
    }
