"""The legality of a schedule: nothing is used twice at one time, and no value is read before it is there.

The checker shares no code with the scheduler: it knows the records and how long they take. What it means for arrays,
their registers, partial sums, values, operators, links, loads and control flow stands in a file each.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from cimc.program.errors import ProgramError
from cimc.program.metadata import Timing
from cimc.program.port_names import cache_pairs
from cimc.program.program import Program
from cimc.program.records import CONTROL_FLOW, INTO_ARRAYS, Opcode
from cimc.program.schedule.activations import verify_activations
from cimc.program.schedule.bodies import verify_bodies
from cimc.program.schedule.links import verify_links
from cimc.program.schedule.loads import verify_loads
from cimc.program.schedule.moves import OwnMoves, no_own_moves, own_moves_of, verify_leaving
from cimc.program.schedule.registers import verify_registers
from cimc.program.schedule.sums import verify_sums
from cimc.program.schedule.tokens import one_token, verify_turns
from cimc.program.schedule.values import verify_values
from cimc.program.times.pipeline import Pipeline
from cimc.program.times.timing import Activations, Numbers, activations_of, record_ends

MAXIMAL_STEP_PS = 1 << 40
"""The longest settling, conversion, transfer or addition: about a second."""
MAXIMAL_PS = 1 << 60
"""When all is over: about two weeks. No sum of such times overflows 64 bits."""


def verify_schedule(program: Program) -> None:
    """Raises ProgramError unless the hardware can keep the schedule; a program without `timing` has none to keep.

    The program's numbers must be valid (`Program.verify`).
    """
    timing = program.timing
    if timing is None:
        return
    _verify_timing(program, timing)
    _verify_rules(program, timing)
    if program.pipeline is not None:
        try:
            verify_pipeline(program, program.pipeline)
        except ProgramError as error:
            raise ProgramError(f"in the pipeline, {error}") from error


def verify_pipeline(program: Program, pipeline: Pipeline) -> None:
    """Raises ProgramError unless a token keeps the rules with these starts, and tokens that follow each other wait for
    each other (S17, S18); the program has times, and its own may be others."""
    timing = program.timing
    assert timing is not None
    token = one_token(program, pipeline, MAXIMAL_PS)
    _verify_moves(pipeline)
    own = own_moves_of(token, timing, pipeline)
    activations, ends, ready = _verify_rules(token, timing, own)
    verify_turns(token, timing, pipeline.interval_ps, activations, ends, own)
    pairs = cache_pairs(program.inputs, program.outputs)
    arriving: dict[int, int] = {}
    while (later := _arriving(pairs, ready, pipeline.interval_ps)) != arriving:  # at most as often as there are pairs
        arriving = later
        ready = verify_values(token, ends, arriving, own)


def _arriving(pairs: Sequence[tuple[int, int]], ready: Mapping[int, int], interval_ps: int) -> dict[int, int]:
    """When keys and values of the token before are there, by the inputs that hold them: not all at the beginning."""
    arriving: dict[int, int] = {}
    for past, present in pairs:
        arriving[past] = max(arriving.get(past, 0), ready[present] - interval_ps)
    return {past: time for past, time in arriving.items() if time}


def _verify_rules(
    program: Program, timing: Timing, moves: OwnMoves | None = None
) -> tuple[Activations, Numbers, Mapping[int, int]]:
    """All rules for one token, some `moves` of which may be of single arrays.

    Returns activations, when records are done, and when values are there. Sums that an array moves out by itself are
    there when they are out of it.
    """
    own = moves or no_own_moves(program)
    _verify_starts(program)
    activations = activations_of(program, timing)
    verify_activations(program, activations)
    ends = record_ends(program, timing, activations)
    verify_leaving(own, ends)
    ends = np.where(own.out.end >= 0, own.out.end, ends)
    _verify_stages(program, ends)
    _verify_units(program, ends)
    verify_sums(program, timing.add_ps, ends)
    verify_bodies(program, ends)
    verify_loads(program, ends)
    ready = verify_values(program, ends, own=own)
    verify_registers(program, timing.buffers, ends, own)
    verify_links(program, timing.links, ends, own)
    return activations, ends, ready


def _verify_timing(program: Program, timing: Timing) -> None:
    """Steps take a time that can be added up, and there is one for each number of bits that the ADCs can have (S4)."""
    steps = {"settle_ps": timing.settle_ps, "transfer_ps": timing.transfer_ps, "add_ps": timing.add_ps}
    steps["program_row_ps"] = timing.program_row_ps or 0
    for name, step in steps.items():
        if step > MAXIMAL_STEP_PS:
            raise ProgramError(f"{name} is {step}, expected at most {MAXIMAL_STEP_PS}")
    if len(timing.adc_ps) != program.chip.adc_bits:
        raise ProgramError(f"adc_ps has {len(timing.adc_ps)} times, the ADCs have {program.chip.adc_bits} bits")
    for step in timing.adc_ps:
        if not 1 <= step <= MAXIMAL_STEP_PS:
            raise ProgramError(f"a conversion takes {step} ps, expected 1 to {MAXIMAL_STEP_PS}")
    bits = program.instructions["adc_bits"]
    for number in np.flatnonzero(bits > len(timing.adc_ps))[:1].tolist():
        raise ProgramError(f"record {number} converts to {bits[number]} bits, the ADCs have {len(timing.adc_ps)}")


def _verify_starts(program: Program) -> None:
    starts = program.instructions["start"]
    for number in np.flatnonzero(starts > MAXIMAL_PS)[:1].tolist():
        raise ProgramError(f"record {number} starts at {starts[number]} ps, expected at most {MAXIMAL_PS}")
    for number in np.flatnonzero((program.operations[:, 3:] > MAXIMAL_PS).any(axis=1))[:1].tolist():
        start, duration = program.operations[number, 3:].tolist()
        raise ProgramError(
            f"operation {number} takes {duration} ps from {start} ps on, expected at most {MAXIMAL_PS} of both"
        )


def _verify_moves(pipeline: Pipeline) -> None:
    start = pipeline.moves[:, 3]
    for number in np.flatnonzero(start > MAXIMAL_PS)[:1].tolist():
        raise ProgramError(f"move {number} starts at {start[number]} ps, expected at most {MAXIMAL_PS}")


def _verify_stages(program: Program, ends: Numbers) -> None:
    """Stages have numbers of their own, and times that can be added up; they may overlap (S13)."""
    numbers = sorted(stage.number for stage in program.stages)
    for number in [after for before, after in pairwise(numbers) if before == after][:1]:
        raise ProgramError(f"two stages have the number {number}")
    for stage in program.stages:
        if max(stage.number, stage.start_ps, stage.duration_ps) > MAXIMAL_PS:
            raise ProgramError(f"stage {stage.number} has a number above {MAXIMAL_PS}")
    _verify_members(program, ends)


def _verify_members(program: Program, ends: Numbers) -> None:
    """What belongs to a stage happens within it, and a product belongs to one stage (S13)."""
    records = program.instructions
    numbers = np.flatnonzero(~np.isin(records["op"], (Opcode.KERNEL, Opcode.PERMUTE, Opcode.LOAD, *CONTROL_FLOW)))
    stage = records["stage"][numbers].astype(np.int64)
    start, end = records["start"][numbers].astype(np.int64), ends[numbers]
    known = np.array([(s.number, s.start_ps, s.start_ps + s.duration_ps) for s in program.stages], np.int64)
    known = known.reshape(-1, 3)[np.argsort([s.number for s in program.stages])]
    for i in np.flatnonzero(~np.isin(stage, known[:, 0]))[:1].tolist():
        raise ProgramError(f"record {numbers[i]} belongs to stage {stage[i]}, which the program does not have")
    first, last = known[np.searchsorted(known[:, 0], stage), 1:].T
    for i in np.flatnonzero((start < first) | (last < end))[:1].tolist():
        limits = f"its stage {stage[i]} from {first[i]} to {last[i]} ps"
        raise ProgramError(f"record {numbers[i]} takes from {start[i]} to {end[i]} ps, {limits}")
    moves = records["op"][numbers] == Opcode.TRANSFER
    moves_in = moves & (records["flags"][numbers] == INTO_ARRAYS)
    product = np.where(moves, records["x"][numbers], records["y"][numbers])
    cleared = records["op"][numbers] == Opcode.CLEAR
    stage_of = np.full(program.slots, -1, np.int64)
    stage_of[product[cleared]] = stage[cleared]
    computed = stage_of[product]
    for i in np.flatnonzero(~moves_in & (computed >= 0) & (computed != stage))[:1].tolist():
        misplaced = f"record {numbers[i]} works on value {product[i]} in stage {stage[i]}"
        raise ProgramError(f"{misplaced}, stage {computed[i]} computes it")


def _verify_units(program: Program, ends: Numbers) -> None:
    """A unit does one thing at a time (S5): an operator or, if it is digital, the addition of partial sums (S6)."""
    assert program.timing is not None
    digital = program.timing.digital_units
    units = digital + program.timing.attention_units
    adds = np.flatnonzero(program.instructions["op"] == Opcode.ADD)
    adders, workers = program.instructions["array"][adds].astype(np.int64), program.operations[:, 2]
    for unit in adders[adders >= digital][:1].tolist():
        raise ProgramError(f"digital unit {unit} adds partial sums, the chip has {digital}")
    for unit in workers[workers >= units][:1].tolist():
        raise ProgramError(f"unit {unit} runs an operator, the chip has {units} units")
    width, columns = program.timing.vector_width, program.instructions["columns"][adds]
    for i in np.flatnonzero(columns > width)[:1].tolist():
        raise ProgramError(f"record {adds[i]} adds {columns[i]} elements, a digital unit adds {width} at once")
    unit = np.concatenate([adders, workers])
    start = np.concatenate([program.instructions["start"][adds].astype(np.int64), program.operations[:, 3]])
    end = np.concatenate([ends[adds], program.operations[:, 3] + program.operations[:, 4]])
    order = np.lexsort([end, start, unit])
    unit, start, end = unit[order], start[order], end[order]
    for i in np.flatnonzero((unit[1:] == unit[:-1]) & (start[1:] < end[:-1]))[:1].tolist():
        raise ProgramError(f"unit {unit[i]} does two things at {start[i + 1]} ps")
