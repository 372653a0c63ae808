"""What happens when on the chip for one vector, that is one token: the events that figures and traces draw."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from heapq import heappop, heappush

import numpy as np
import onnx

from cimc.program.arrays.planes import planes_of
from cimc.program.metadata import Kernel, Timing
from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode, Records
from cimc.program.times.timing import activations_of
from cimc.program.times.transfers import move_ps


class Resource(StrEnum):
    """What is busy during an event."""

    STAGE = "stage"
    ARRAY = "array"
    DIGITAL = "digital unit"
    ATTENTION = "attention unit"
    INTERCONNECT = "interconnect"
    PROGRAMMING = "programming"


@dataclass(frozen=True)
class Event:
    """Number `unit` of a resource, of programming an array, is busy for `duration_ps` from `start_ps` on.

    `layer` counts the multiplications of the program; None for what belongs to none of them, or to several. Layers may
    use one array at the same time, in different columns: then `part` of `parts` of it is meant.
    """

    resource: Resource
    unit: int
    start_ps: int
    duration_ps: int
    does: str
    node: str = ""
    stage: int | None = None
    layer: int | None = None
    part: int = 0
    parts: int = 1

    @property
    def end_ps(self) -> int:
        """When it is over."""
        return self.start_ps + self.duration_ps


@dataclass(frozen=True)
class Activation:
    """One use of an array: its ADCs convert `columns` to `bits` bits, in each of `planes` planes.

    `layer` is that of its first row group, `layers` how many it serves.
    """

    array: int
    start_ps: int
    planes: int
    columns: int
    bits: int
    adc_ps: int
    layer: int
    layers: int
    stage: int


@dataclass(frozen=True)
class Timeline:
    """One token on the chip: events in the order of their start, and the activations of the arrays."""

    events: tuple[Event, ...]
    activations: tuple[Activation, ...]
    settle_ps: int
    end_ps: int


def timeline_of(program: Program) -> Timeline | None:
    """The timeline of a program; None if it was made without times."""
    timing = program.timing
    if timing is None:
        return None
    stages = [
        Event(Resource.STAGE, 0, s.start_ps, s.duration_ps, f"stage {s.number}", "", s.number) for s in program.stages
    ]
    transfers = _transfers(program, timing)
    events = [
        *_spread(stages),
        *_array_events(program, timing),
        *(transfers if timing.links else _spread(transfers)),
        *_additions(program, timing),
        *_operators(program, timing),
        *_programming(program, timing),
    ]
    events.sort(key=lambda event: (event.start_ps, event.resource, event.unit, event.part))
    end = max((event.end_ps for event in events), default=0)
    return Timeline(tuple(events), tuple(_activations(program, timing)), timing.settle_ps, end)


def _layers(program: Program, records: Records) -> list[int]:
    """The layer of each record that writes an accumulator."""
    layer_of = {m.y: i for i, m in enumerate(program.multiplications)}
    return [layer_of[y] for y in records["y"].tolist()]


def _array_events(program: Program, timing: Timing) -> Iterator[Event]:
    """One event for each row group; those of one activation share its time."""
    activations = activations_of(program, timing)
    records = program.instructions[activations.records]
    parts = np.bincount(activations.of_record, minlength=len(activations.array))
    order, first = np.argsort(activations.of_record, kind="stable"), np.cumsum(parts) - parts
    part = np.empty(len(records), np.int64)
    part[order] = np.arange(len(records)) - first[activations.of_record[order]]
    layers = _layers(program, records)
    names = ("array", "start", "stage", "row", "rows", "column", "columns", "adc_bits")
    numbers = np.stack([records[name].astype(np.int64) for name in names], axis=1).tolist()
    for i, (array, start, stage, row, rows, column, columns, bits) in enumerate(numbers):
        activation = int(activations.of_record[i])
        yield Event(
            Resource.ARRAY,
            array,
            start,
            int(activations.duration[activation]),
            f"rows {row} to {row + rows - 1}, columns {column} to {column + columns - 1}, {bits} bits",
            program.multiplications[layers[i]].node,
            stage,
            layers[i],
            int(part[i]),
            int(parts[activation]),
        )


def _activations(program: Program, timing: Timing) -> Iterator[Activation]:
    activations = activations_of(program, timing)
    records = program.instructions[activations.records]
    planes, layers = planes_of(records, program), np.array(_layers(program, records), np.int64)
    order = np.argsort(activations.of_record, kind="stable")
    groups = np.split(order, 1 + np.flatnonzero(np.diff(activations.of_record[order]))) if len(order) else []
    for i, group in enumerate(groups):
        bits = int(records["adc_bits"][group].max())
        yield Activation(
            array=int(activations.array[i]),
            start_ps=int(activations.start[i]),
            planes=int(planes[group].max()),
            columns=int(activations.columns[i]),
            bits=bits,
            adc_ps=timing.adc_ps[bits - 1],
            layer=int(layers[group[0]]),
            layers=len(set(layers[group].tolist())),
            stage=int(activations.stage[i]),
        )


def _transfers(program: Program, timing: Timing) -> Iterator[Event]:
    """Values that move into arrays, out of them, or to another order; on link 0 where the chip does not count them."""
    records, durations = program.instructions, move_ps(program, timing)
    for number in np.flatnonzero(np.isin(records["op"], (Opcode.TRANSFER, Opcode.PERMUTE))).tolist():
        record, duration = records[number], int(durations[number])
        stage, x, link, start = (int(record[name]) for name in ("stage", "x", "array", "start"))
        if record["op"] == Opcode.PERMUTE:
            yield Event(Resource.INTERCONNECT, link, start, duration, "permutes a vector")
        else:
            into = int(record["flags"]) == INTO_ARRAYS
            nodes = [m.node for m in program.multiplications if (m.x if into else m.y) == x]
            does = f"moves a vector {'into' if into else 'out of'} the arrays"
            yield Event(Resource.INTERCONNECT, link, start, duration, does, ", ".join(nodes), stage)


def _spread(events: Iterable[Event]) -> Iterator[Event]:
    """The same events, those at the same time on different units."""
    free: list[int] = []
    busy: list[tuple[int, int]] = []
    units = 0
    for event in sorted(events, key=lambda event: event.start_ps):
        while busy and busy[0][0] <= event.start_ps:
            heappush(free, heappop(busy)[1])
        if not free:
            heappush(free, units)
            units += 1
        unit = heappop(free)
        heappush(busy, (event.end_ps, unit))
        yield replace(event, unit=unit)


def _additions(program: Program, timing: Timing) -> Iterator[Event]:
    adds = program.instructions[program.instructions["op"] == Opcode.ADD]
    for record, layer in zip(adds, _layers(program, adds), strict=True):
        first, columns = int(record["n"]), int(record["columns"])
        yield Event(
            Resource.DIGITAL,
            int(record["array"]),
            int(record["start"]),
            timing.add_ps,
            f"adds partial sums of elements {first} to {first + columns - 1}",
            program.multiplications[layer].node,
            int(record["stage"]),
            layer,
        )


def _operators(program: Program, timing: Timing) -> Iterator[Event]:
    """Digital operators that take time; units after the digital ones are attention units."""
    rows = [tuple(int(value) for value in row) for row in program.operations]
    nodes = {kernel: _nodes(program.kernels[kernel]) for kernel in {row[0] for row in rows}}
    for kernel, node, unit, start, duration in rows:
        name, operator = nodes[kernel][node]
        attention = unit >= timing.digital_units
        resource = Resource.ATTENTION if attention else Resource.DIGITAL
        number = unit - timing.digital_units if attention else unit
        yield Event(resource, number, start, duration, operator, name)


def _programming(program: Program, timing: Timing) -> Iterator[Event]:
    """Arrays that get other weights, for as long as all of their load take."""
    loads = program.instructions[program.instructions["op"] == Opcode.LOAD]
    for record in loads:
        first, count, start, rows = (int(record[name]) for name in ("array", "n", "start", "rows"))
        does = f"load {record['k']}: up to {rows} rows are programmed"
        for array in range(first, first + count):
            yield Event(Resource.PROGRAMMING, array, start, rows * (timing.program_row_ps or 0), does)


def _nodes(kernel: Kernel) -> list[tuple[str, str]]:
    """Name and operator of each node of a kernel."""
    nodes = onnx.load_model_from_string(kernel.model).graph.node
    return [(one_line(node.name), one_line(node.op_type)) for node in nodes]  # bytes where a name is no UTF-8
