"""The steps of programs: what they need and take, as the program has it."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest

from cimc.clock.graph import Kind, Pool, Steps
from cimc.clock.steps import steps_of
from cimc.compiler import Options, compile_network
from cimc.program.program import Program
from cimc.program.records import Opcode


@pytest.mark.parametrize("seed", range(8))
def test_the_program_starts_each_step_after_what_it_needs(
    seed: int, random_program: Callable[[Random], Program]
) -> None:
    program = random_program(Random(seed))
    steps = steps_of(program)
    ends, place = steps.start + steps.duration, np.argsort(steps.order)
    users, needed = steps.needs.owners, steps.needs.values
    assert (steps.start[users] >= ends[needed]).all()
    assert (place[users] > place[needed]).all()
    numbers = np.flatnonzero(steps.of_record >= 0)
    assert (program.instructions["start"][numbers] == steps.start[steps.of_record[numbers]]).all()
    assert (program.operations[:, 3:] == np.stack([steps.start, steps.duration], axis=1)[steps.of_operation]).all()


def test_resources_are_those_of_the_records(random_program: Callable[[Random], Program]) -> None:
    program = random_program(Random(3))
    steps, arrays = steps_of(program), len(program.arrays)
    assert program.timing is not None
    for number, record in enumerate(program.instructions):
        step = int(steps.of_record[number])
        taken = {Opcode.MULTIPLY: [int(record["array"])], Opcode.ADD: [arrays + int(record["array"])]}
        if step >= 0:
            assert steps.resources.of(step).tolist() == taken.get(Opcode(int(record["op"])), [])
    for (*_, unit, _, _), step in zip(program.operations.tolist(), steps.of_operation.tolist(), strict=True):
        assert arrays + unit in steps.resources.of(step)
        assert steps.pool[step] == (Pool.DIGITAL if unit < program.timing.digital_units else Pool.ATTENTION)
    assert len(steps.pools[Pool.LINKS]) == 0


def test_an_array_serves_a_stage_from_its_vectors_to_its_products(random_program: Callable[[Random], Program]) -> None:
    program = random_program(Random(3))
    steps, records = steps_of(program), program.instructions
    multiplies = records[records["op"] == Opcode.MULTIPLY]
    registers = steps.registers
    assert len(registers.array) == len(np.unique(multiplies[["array", "stage"]]))
    for number, (array, stage) in enumerate(zip(registers.array, registers.stage, strict=True)):
        own = multiplies[(multiplies["array"] == array) & (multiplies["stage"] == stage)]
        inward, outward = (side.of(number) for side in (registers.inward, registers.outward))
        assert set(records["x"][steps.record[inward]]) == set(own["x"])
        assert set(records["x"][steps.record[outward]]) == set(own["y"])
        assert (steps.kind[inward] == Kind.INWARD).all()
        assert (steps.kind[outward] == Kind.OUTWARD).all()
        assert set(records["stage"][steps.record[inward]]) == {stage}


def test_an_operator_needs_the_values_that_it_reads_and_no_others(onnx_file: Callable[..., Path]) -> None:
    """Both operators are of one kernel; each needs one of the two products."""
    layers = "a = MatMul(x, w)  b = MatMul(x, v)  c = Neg(a)  d = Abs(b)  y = Add(c, d)"
    weights = {name: np.eye(4, dtype=np.float32) for name in ("w", "v")}
    program = compile_network(
        onnx_file(f"g (float[n,4] x) => (float[n,4] y) {{ {layers} }}", weights), Options(chip="tiny-4", measure=False)
    ).program
    steps = steps_of(program)
    products = [{_product(steps, need) for need in _all_needs(steps, step)} - {-1} for step in steps.of_node.of(1)]
    assert {frozenset(slots) for slots in products} == {
        frozenset({program.multiplications[0].y}),
        frozenset({program.multiplications[1].y}),
        frozenset(m.y for m in program.multiplications),
    }


def test_control_flow_is_a_barrier(loop_program: Program) -> None:
    steps = steps_of(loop_program)
    barriers = np.flatnonzero(steps.kind == Kind.BARRIER)
    opens, closes = barriers[np.argsort(steps.record[barriers])].tolist()
    others = np.flatnonzero(steps.kind != Kind.BARRIER)
    before = others[steps.record[others] < steps.record[opens]]
    inside = others[(steps.record[others] > steps.record[opens]) & (steps.record[others] < steps.record[closes])]
    assert set(steps.needs.of(opens)) == set(before)
    assert set(steps.needs.of(closes)) == {opens, *inside}
    assert all(opens in steps.needs.of(step) for step in inside)


def _product(steps: Steps, step: int) -> int:
    outward = steps.kind[step] == Kind.OUTWARD
    return int(steps.program.instructions["x"][steps.record[step]]) if outward else -1


def _all_needs(steps: Steps, step: int) -> set[int]:
    """The operators and products that lead to an operator; not what these need."""
    needs = set(steps.needs.of(step).tolist())
    operators = [need for need in needs if steps.kind[need] == Kind.OPERATOR]
    return needs.union(*(_all_needs(steps, need) for need in operators))
