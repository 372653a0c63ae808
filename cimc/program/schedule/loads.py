"""Legality of loads: weights pass through the chip in parts, and arrays work only while their weights are in them."""

import numpy as np

from cimc.program.arrays.formats import slices_of, usual_format
from cimc.program.control_flow.bodies import WHOLE, bodies_of, body_of_records
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import CONTROL_FLOW, Opcode
from cimc.program.times.timing import Numbers


def verify_loads(program: Program, ends: Numbers) -> None:
    """Raises ProgramError unless each MULTIPLY finds the weights of its array in the chip (S19).

    A LOAD replaces all that is there, so nothing else happens meanwhile: all before it is done when it starts, and
    nothing after it starts before its end. It has no more crossbars than the chip. Arrays keep nothing meanwhile: all
    of a stage stands between the same loads. No LOAD stands in a body of control flow, which may run again with what it
    left. `ends` tells when records are done.
    """
    records = program.instructions
    loads = np.flatnonzero(records["op"] == Opcode.LOAD)
    if not len(loads):
        return
    _verify_room(program, loads)
    _verify_places(program, loads)
    _verify_presence(program, loads)
    _verify_barriers(loads, records["start"].astype(np.int64), ends)


def _verify_room(program: Program, loads: Numbers) -> None:
    """It is known how long loads take, and each fits the chip, which has so many arrays of 8-bit weights."""
    if program.timing is None or program.timing.program_row_ps is None:
        raise ProgramError(f"record {loads[0]} loads weights, expected program_row_ps: how long a row takes")
    before = np.concatenate([[0], np.cumsum(slices_of(program))])
    has = _crossbars_of_chip(program)
    records = program.instructions[loads]
    first, last = records["array"].astype(np.int64), records["array"].astype(np.int64) + records["n"]
    crossbars = before[last] - before[first]
    for i in np.flatnonzero(crossbars > has)[:1].tolist():
        raise ProgramError(f"record {loads[i]} loads {crossbars[i]} crossbars, the chip has {has}")


def _crossbars_of_chip(program: Program) -> int:
    arrays = program.chip.details.get("arrays")
    if not isinstance(arrays, int):
        raise ProgramError("weights are loaded, expected a chip that says how many arrays it has")
    return arrays * usual_format(program.chip).slices(program.chip.cell_bits)


def _verify_places(program: Program, loads: Numbers) -> None:
    """No LOAD stands in a body, nor between records of one stage."""
    records = program.instructions
    inside = body_of_records(records, bodies_of(records, program.controls))
    for number in loads[inside[loads] != WHOLE][:1].tolist():
        raise ProgramError(f"record {number} loads weights in a body of control flow: expected it before that begins")
    staged = np.flatnonzero(~np.isin(records["op"], (Opcode.KERNEL, Opcode.PERMUTE, Opcode.LOAD, *CONTROL_FLOW)))
    _, first, which = np.unique(records["stage"][staged], return_index=True, return_inverse=True)
    passed = np.searchsorted(loads, staged)
    for i in np.flatnonzero(passed != passed[first][which])[:1].tolist():
        number = int(loads[passed[i] - 1])
        stage = f"stage {records['stage'][staged[i]]}"
        raise ProgramError(f"record {number} loads weights while {stage} has begun and is not done")


def _verify_presence(program: Program, loads: Numbers) -> None:
    records = program.instructions
    multiplies = np.flatnonzero(records["op"] == Opcode.MULTIPLY)
    last = np.searchsorted(loads, multiplies) - 1
    array = records["array"][multiplies].astype(np.int64)
    own = records[loads[np.maximum(last, 0)]]
    first = own["array"].astype(np.int64)
    absent = (last < 0) | (array < first) | (array >= first + own["n"])
    for i in np.flatnonzero(absent)[:1].tolist():
        raise ProgramError(f"record {multiplies[i]} uses array {array[i]}, whose weights are not in the chip")


def _verify_barriers(loads: Numbers, starts: Numbers, ends: Numbers) -> None:
    latest, earliest = np.maximum.accumulate(ends), np.minimum.accumulate(starts[::-1])[::-1]
    for number in loads[loads > 0].tolist():
        if latest[number - 1] > starts[number]:
            before = int(np.argmax(ends[:number]))
            raise ProgramError(
                f"record {before} takes until {ends[before]} ps, record {number} loads weights at {starts[number]} ps"
            )
    for number in loads[loads < len(starts) - 1].tolist():
        if earliest[number + 1] < ends[number]:
            after = number + 1 + int(np.argmin(starts[number + 1 :]))
            raise ProgramError(
                f"record {after} starts at {starts[after]} ps, record {number} loads weights until {ends[number]} ps"
            )
