"""Events of a token: what the records say, at the times that they say."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from cimc.compiler import Compilation
from cimc.program.metadata import Stage, Timing
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, OUT_OF_ARRAYS, Opcode, add_records, transfer_record
from cimc.report.study import Study
from cimc.report.timeline import Event, Resource, Timeline, timeline_of

TIMING = Timing(
    settle_ps=100,
    adc_ps=(1, 2, 3, 4, 5, 6, 7, 8),
    transfer_ps=50,
    add_ps=70,
    digital_units=2,
    attention_units=1,
    vector_width=1,
)


def timed(program: Program) -> Timeline:
    timeline = timeline_of(program)
    assert timeline is not None
    return timeline


def events(timeline: Timeline, resource: Resource) -> list[Event]:
    return [event for event in timeline.events if event.resource is resource]


def test_a_program_without_times(handmade: Program) -> None:
    assert timeline_of(handmade) is None


def test_row_groups(handmade: Program) -> None:
    """8 planes of settling and 3 conversions of 4, then of 3 bits, by the one ADC of an array."""
    timeline = timed(replace(handmade, timing=TIMING))
    first, second = events(timeline, Resource.ARRAY)
    assert (first.unit, first.start_ps, first.duration_ps, first.node, first.layer) == (
        1,
        0,
        8 * (100 + 3 * 4),
        "/fc",
        0,
    )
    assert (second.start_ps, second.duration_ps) == (1500, 8 * (100 + 3 * 3))
    assert first.does == "rows 2 to 3, columns 4 to 6, 4 bits"
    assert [(a.array, a.columns, a.bits, a.planes, a.adc_ps) for a in timeline.activations] == [
        (1, 3, 4, 8, 4),
        (1, 3, 3, 8, 3),
    ]


def test_row_groups_that_share_an_activation(handmade: Program) -> None:
    """They start together, and each is a part of the array."""
    instructions = handmade.instructions.copy()
    instructions["start"] = 0
    timeline = timed(replace(handmade, instructions=instructions, timing=TIMING))
    found = events(timeline, Resource.ARRAY)
    assert [(event.part, event.parts) for event in found] == [(0, 2), (1, 2)]
    assert {event.duration_ps for event in found} == {8 * (100 + 6 * 4)}
    assert [(a.columns, a.layers) for a in timeline.activations] == [(6, 1)]


def test_transfers_and_additions(handmade: Program) -> None:
    """What moves at the same time is on different units of the interconnect; a permutation moves a vector too."""
    added = [
        transfer_record(stage=0, x=2, direction=INTO_ARRAYS, start=20),
        transfer_record(stage=0, x=3, direction=OUT_OF_ARRAYS, start=60),
        add_records(stage=0, x=2, y=3, unit=[1], n=[0], columns=[2], start=[500]),
    ]
    timeline = timed(replace(handmade, instructions=np.concatenate([handmade.instructions, *added]), timing=TIMING))
    assert [(e.unit, e.start_ps, e.duration_ps, e.does, e.node) for e in events(timeline, Resource.INTERCONNECT)] == [
        (0, 0, 50, "permutes a vector", ""),
        (1, 20, 50, "moves a vector into the arrays", "/fc"),
        (0, 60, 50, "moves a vector out of the arrays", "/fc"),
    ]
    (addition,) = events(timeline, Resource.DIGITAL)
    assert (addition.unit, addition.start_ps, addition.duration_ps, addition.layer) == (1, 500, 70, 0)
    assert addition.does == "adds partial sums of elements 0 to 1"


def test_links_have_numbers_and_a_rate(handmade: Program) -> None:
    """4 elements that leave arrays are 128 bits, permuted ones too: 32 ps at 4 bits a picosecond."""
    moves = transfer_record(stage=0, x=3, direction=OUT_OF_ARRAYS, start=60)
    moves["array"] = 2
    records = np.concatenate([handmade.instructions, moves])
    timing = replace(TIMING, links=3, link_bits_per_ns=4000.0)
    timeline = timed(replace(handmade, instructions=records, timing=timing))
    columns = handmade.weights[handmade.multiplications[0].weight].columns
    assert [(e.unit, e.duration_ps) for e in events(timeline, Resource.INTERCONNECT)] == [
        (0, 50 + 32),
        (2, 50 + 8 * columns),
    ]


def test_stages_that_overlap_are_apart(handmade: Program) -> None:
    stages = [Stage(0, 0, 100), Stage(1, 40, 100), Stage(2, 100, 10)]
    timeline = timed(replace(handmade, stages=stages, timing=TIMING))
    assert [(e.stage, e.unit) for e in events(timeline, Resource.STAGE)] == [(0, 0), (1, 1), (2, 0)]


def test_operators(handmade: Program) -> None:
    """Units after the digital ones are attention units; names are those in the kernel."""
    operations = np.array([[0, 2, 1, 10, 30], [1, 1, 2, 2000, 40]], np.int64)
    timeline = timed(replace(handmade, operations=operations, timing=TIMING))
    assert [(e.unit, e.start_ps, e.duration_ps, e.does) for e in events(timeline, Resource.DIGITAL)] == [
        (1, 10, 30, "Cast")
    ]
    assert [(e.unit, e.end_ps, e.does) for e in events(timeline, Resource.ATTENTION)] == [(0, 2040, "Mul")]
    assert timeline.end_ps == max(event.end_ps for event in timeline.events)


def test_a_compiled_program(program: Program) -> None:
    """Every record that takes time is an event, in its stage; no unit does two things at a time."""
    timeline = timed(program)
    opcodes = Counter(int(op) for op in program.instructions["op"])
    assert len(events(timeline, Resource.ARRAY)) == opcodes[Opcode.MULTIPLY]
    assert len(events(timeline, Resource.INTERCONNECT)) == opcodes[Opcode.TRANSFER] + opcodes[Opcode.PERMUTE]
    assert len(events(timeline, Resource.DIGITAL)) == opcodes[Opcode.ADD] + len(program.operations)
    assert [e.duration_ps for e in events(timeline, Resource.STAGE)] == [s.duration_ps for s in program.stages]
    stages = {stage.number: stage for stage in program.stages}
    free: dict[tuple[Resource, int], int] = {}
    for event in timeline.events:
        if not event.part:
            assert event.start_ps >= free.get((event.resource, event.unit), 0)
            free[event.resource, event.unit] = event.end_ps
        if event.resource is Resource.ARRAY:
            assert event.stage is not None
            stage = stages[event.stage]
            assert stage.start_ps <= event.start_ps < event.end_ps <= stage.start_ps + stage.duration_ps


def test_a_network_without_multiplications(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    timeline = timed(compiled(onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }")).program)
    assert (timeline.activations, events(timeline, Resource.ARRAY)) == ((), [])


def test_arrays_that_are_programmed(reloaded_study: Study) -> None:
    """Each array of a load, for as long as its rows take: 4 of 20 ns on this chip."""
    assert reloaded_study.timeline is not None
    programmed = [e for e in reloaded_study.timeline.events if e.resource is Resource.PROGRAMMING]
    assert [event.unit for event in programmed] == list(range(12))
    assert {event.duration_ps for event in programmed} == {80_000}
    assert {event.does for event in programmed} == {f"load {i}: up to 4 rows are programmed" for i in range(3)}
    works = [e for e in reloaded_study.timeline.events if e.resource is Resource.ARRAY]
    assert all(event.start_ps >= programmed[event.unit].end_ps for event in works)
