"""The legality of a schedule: nothing is used twice at one time, and no value is read before it is there.

The checker shares no code with the scheduler: it knows the records and how long they take.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cimc.program.errors import ProgramError
from cimc.program.metadata import Timing
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode
from cimc.program.timing import Activations, Numbers, activations_of
from cimc.program.verifier import programmed_cells, tiles_by_array


def verify_schedule(program: Program) -> None:
    """Raises ProgramError unless the hardware can keep the schedule; a program without `timing` has none to keep."""
    timing = program.timing
    if timing is None:
        return
    _verify_bits(program, timing)
    activations = activations_of(program, timing)
    _verify_arrays(activations)
    _verify_activations(program, activations)
    _verify_units(program, timing)
    ends = (activations.start + activations.duration)[activations.of_record]
    _verify_sums(program, timing, activations.records, ends)
    _verify_values(program, timing, activations, ends)


def _verify_bits(program: Program, timing: Timing) -> None:
    bits = program.instructions["adc_bits"]
    for number in np.flatnonzero(bits > len(timing.adc_ps))[:1].tolist():
        raise ProgramError(f"record {number} converts to {bits[number]} bits, the ADCs have {len(timing.adc_ps)}")


def _verify_arrays(activations: Activations) -> None:
    """An array, and with it its ADCs, does one activation at a time."""
    order = np.lexsort([activations.start, activations.array])
    array, start = activations.array[order], activations.start[order]
    end = start + activations.duration[order]
    for i in np.flatnonzero((array[1:] == array[:-1]) & (start[1:] < end[:-1]))[:1].tolist():
        first, second = (_record(activations, int(order[j])) for j in (i, i + 1))
        raise ProgramError(f"record {second} uses array {array[i]} before record {first} is done with it")


def _record(activations: Activations, activation: int) -> int:
    return int(activations.records[np.argmax(activations.of_record == activation)])


def _verify_activations(program: Program, activations: Activations) -> None:
    """Records that start together in one array: one input a row, each column once, and no foreign cells in its sum."""
    order = np.argsort(activations.of_record, kind="stable")
    groups = np.split(activations.records[order], 1 + np.flatnonzero(np.diff(activations.of_record[order])))
    members = tiles_by_array(program.tiles, len(program.arrays))
    cells: dict[int, NDArray[np.bool_]] = {}
    for group in groups:
        if len(group) > 1:
            array = int(program.instructions["array"][group[0]])
            if array not in cells:
                tiles = program.tiles[members[array]]
                cells[array] = programmed_cells(tiles, program.chip.rows, program.chip.columns)
            _verify_activation(program, group, cells[array])


def _verify_activation(program: Program, group: Numbers, programmed: NDArray[np.bool_]) -> None:
    names = ("x", "k", "row", "rows", "column", "columns")
    rows_of: list[slice] = []
    columns_of: list[slice] = []
    driver = np.full((program.chip.rows, 2), -1, np.int64)
    converted = np.zeros(program.chip.columns, np.bool_)
    for number in group.tolist():
        x, k, row, rows, column, columns = (int(program.instructions[name][number]) for name in names)
        at, across = slice(row, row + rows), slice(column, column + columns)
        drives = np.stack([np.full(rows, x), np.arange(k, k + rows)], axis=1)
        if ((driver[at] >= 0) & (driver[at] != drives)).any():
            raise ProgramError(f"record {number} drives rows that another record drives with other inputs")
        if converted[across].any():
            raise ProgramError(f"record {number} converts columns that another record converts")
        driver[at], converted[across] = drives, True
        rows_of.append(at)
        columns_of.append(across)
    active = driver[:, 0] >= 0
    for number, at, across in zip(group.tolist(), rows_of, columns_of):
        foreign = active.copy()
        foreign[at] = False
        if programmed[foreign, across].any():
            raise ProgramError(f"record {number} converts columns with cells of rows that another record drives")


def _verify_units(program: Program, timing: Timing) -> None:
    """A digital or attention unit does one thing at a time: an operator, or the addition of partial sums."""
    adds = program.instructions[program.instructions["op"] == Opcode.ADD]
    unit = np.concatenate([adds["array"].astype(np.int64), program.operations[:, 2]])
    start = np.concatenate([adds["start"].astype(np.int64), program.operations[:, 3]])
    end = start + np.concatenate([np.full(len(adds), timing.add_ps), program.operations[:, 4]])
    units = timing.digital_units + timing.attention_units
    for number in unit[unit >= units][:1].tolist():
        raise ProgramError(f"digital unit {number} is used, the chip has {units}")
    order = np.lexsort([start, unit])
    busy = (unit[order][1:] == unit[order][:-1]) & (start[order][1:] < end[order][:-1])
    for i in np.flatnonzero(busy)[:1].tolist():
        raise ProgramError(f"digital unit {unit[order][i]} does two things at {start[order][i + 1]} ps")


def _verify_sums(program: Program, timing: Timing, numbers: Numbers, ends: Numbers) -> None:
    """Partial sums of an element are added in pairs, each when both are there, until one is left."""
    records = program.instructions[numbers]
    order = np.argsort(records["y"], kind="stable")
    adds = program.instructions[program.instructions["op"] == Opcode.ADD]
    for own in np.split(order, 1 + np.flatnonzero(np.diff(records["y"][order]))):
        if not len(own):
            continue
        y = int(records["y"][own[0]])
        parts = np.stack([records[name][own].astype(np.int64) for name in ("n", "columns", "array", "column")], axis=1)
        of_value = adds[adds["y"] == y]
        sums = np.stack([of_value[name].astype(np.int64) for name in ("n", "columns", "start")], axis=1)
        for first, wrong in _wrong_sums(parts, ends[own], sums, timing.add_ps):
            raise ProgramError(f"partial sums of element {first} of value {y}: {wrong}")


def _wrong_sums(parts: Numbers, ends: Numbers, sums: Numbers, add_ps: int) -> Iterator[tuple[int, str]]:
    """First element of each range whose additions cannot be right, and why.

    `parts` has a row (n, columns, array, column) for each MULTIPLY record: those of one column of an array accumulate
    where they are converted, so they are one partial sum. `sums` has a row (n, columns, start) for each ADD.
    """
    places = np.concatenate([parts[:, :2], parts[:, 2:3], parts[:, 3:] - parts[:, :1]], axis=1)
    found, which = np.unique(places, axis=0, return_inverse=True)
    ready = np.zeros(len(found), np.int64)
    np.maximum.at(ready, which.reshape(-1), ends)
    first, last = found[:, 0], found[:, 0] + found[:, 1]
    if not len(sums) and (first[1:] >= last[:-1]).all():  # sorted by n; nothing lies on each other
        return
    limits = np.unique(np.concatenate([first, last, sums[:, 0], sums[:, 0] + sums[:, 1]]))
    for low, high in pairwise(limits.tolist()):
        inside = (first <= low) & (high <= last)
        available: dict[tuple[int, int], int] = {}
        for (array, offset), end in zip(found[inside, 2:].tolist(), ready[inside].tolist()):
            available[array, offset] = max(available.get((array, offset), 0), end)
        starts = sums[(sums[:, 0] <= low) & (high <= sums[:, 0] + sums[:, 1]), 2]
        wrong = _wrong_order(sorted(available.values()), sorted(starts.tolist()), add_ps)
        if wrong is not None:
            yield low, wrong


def _wrong_order(ready: list[int], starts: list[int], add_ps: int) -> str | None:
    """Whether additions at `starts` make one of partial sums that are there from `ready` on."""
    if len(starts) != max(0, len(ready) - 1):
        return f"{len(ready)} of them take {max(0, len(ready) - 1)} additions, found {len(starts)}"
    for start in starts:
        first, second = heappop(ready), heappop(ready)
        if max(first, second) > start:
            return f"an addition at {start} ps comes before its operands"
        heappush(ready, start + add_ps)
    return None


def _verify_values(program: Program, timing: Timing, activations: Activations, ends: Numbers) -> None:
    """Kernels and transfers read what has been written, rows are driven with what has been transferred."""
    records = program.instructions
    done = np.zeros(program.slots, np.int64)
    np.maximum.at(done, records["y"][activations.records], ends)
    adds = records["op"] == Opcode.ADD
    np.maximum.at(done, records["y"][adds], records["start"][adds].astype(np.int64) + timing.add_ps)
    ready = {value.slot: 0 for value in program.inputs}
    arrived: dict[tuple[int, int], int] = {}
    for number in np.flatnonzero((records["op"] != Opcode.MULTIPLY) & ~adds).tolist():
        op, start = Opcode(int(records["op"][number])), int(records["start"][number])
        stage, x, y = (int(records[name][number]) for name in ("stage", "x", "y"))
        match op:
            case Opcode.KERNEL:
                kernel = int(records["k"][number])
                for slot in program.kernels[kernel].inputs:
                    _in_time(number, slot, ready.get(slot), start)
                end = _kernel_end(program, kernel, start)
                ready.update((slot, end) for slot in program.kernels[kernel].outputs)
            case Opcode.PERMUTE:
                _in_time(number, x, ready.get(x), start)
                ready[y] = start + timing.transfer_ps
            case Opcode.TRANSFER if int(records["flags"][number]) == INTO_ARRAYS:
                _in_time(number, x, ready.get(x), start)
                arrived[stage, x] = start + timing.transfer_ps
            case Opcode.TRANSFER:
                _in_time(number, x, int(done[x]), start)
                ready[x] = start + timing.transfer_ps
            case _:
                pass
    _verify_arrivals(program, activations, arrived)


def _kernel_end(program: Program, kernel: int, start: int) -> int:
    """When the last operator of a kernel is done; none may start before the kernel."""
    own = program.operations[program.operations[:, 0] == kernel]
    if (own[:, 3] < start).any():
        raise ProgramError(f"an operation of kernel {kernel} starts at {own[:, 3].min()} ps, the kernel at {start} ps")
    return int((own[:, 3] + own[:, 4]).max(initial=start))


def _verify_arrivals(program: Program, activations: Activations, arrived: dict[tuple[int, int], int]) -> None:
    records = program.instructions[activations.records]
    pairs = np.stack([records["stage"], records["x"]], axis=1).astype(np.int64)
    found, which = np.unique(pairs, axis=0, return_inverse=True)
    earliest = np.array([arrived.get((stage, x), -1) for stage, x in found.tolist()], np.int64)[which.reshape(-1)]
    wrong = (earliest < 0) | (records["start"].astype(np.int64) < earliest)
    for i in np.flatnonzero(wrong)[:1].tolist():
        when = None if earliest[i] < 0 else int(earliest[i])
        _in_time(int(activations.records[i]), int(records["x"][i]), when, int(records["start"][i]))


def _in_time(number: int, slot: int, ready: int | None, start: int) -> None:
    if ready is None or ready > start:
        when = "which is never brought there" if ready is None else f"which is there from {ready} ps on"
        raise ProgramError(f"record {number} reads value {slot} at {start} ps, {when}")
