"""The plan: what is executed together, what does nothing, and what is forgotten."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from cimc.compiler import Compilation
from cimc.machine.plan import arranged, effective, ends_of, steps_of
from cimc.program.arrays.formats import Format
from cimc.program.program import Program
from cimc.program.records import Opcode


def test_records_of_one_stage_are_brought_together(handmade: Program) -> None:
    """CLEAR before MULTIPLY, and these by the values that they read and write; nowhere beyond another record (I14)."""
    stream = handmade.instructions[[0, 3, 4, 2, 3, 1, 4, 3, 3]].copy()
    stream["y"] = [0, 5, 3, 9, 5, 2, 2, 1, 0]
    stream["x"] = [0, 7, 7, 9, 6, 0, 5, 5, 5]
    stream["stage"] = [0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert stream[arranged(stream)]["y"].tolist() == [0, 9, 5, 3, 5, 2, 1, 2, 0]


def test_what_only_tells_time_is_left_out(handmade: Program) -> None:  # I8
    stream = handmade.instructions[[0, 1, 2, 3, 3, 4, 4, 5]].copy()
    stream["op"][[1, 4, 7]] = [Opcode.TRANSFER, Opcode.ADD, Opcode.TRANSFER]
    assert effective(stream).tolist() == [0, 2, 3, 5, 6]


def test_steps(handmade: Program) -> None:
    """CLEAR and both MULTIPLY records are one step; values are freed after their last use (I3), outputs never."""
    steps = steps_of(handmade.instructions, handmade)
    assert [(step.op, step.stage, step.frees) for step in steps] == [
        (Opcode.KERNEL, 0, (0,)),
        (Opcode.PERMUTE, 0, (1,)),
        (Opcode.MULTIPLY, 0, (2,)),
        (Opcode.KERNEL, 1, (3,)),
    ]
    (group,) = steps[2].groups
    (product,) = steps[2].products
    assert (group.x, group.rows, group.first, group.last, group.columns) == (2, 4, 3, 5, 3)
    assert (group.conversions, group.limited) == ((6 * 4 * 8, 6 * 4 * 8), None)
    assert (product.multiplication.y, product.columns, product.first, product.last) == (3, 3, 3, 5)


def test_products_of_one_value_are_a_group(handmade: Program) -> None:
    """Also one without records; what another step has cleared is in none."""
    first, zeros = handmade.multiplications[0], replace(handmade.multiplications[0], y=4)
    program = replace(handmade, multiplications=[first, zeros])
    stream = program.instructions[[2, 2, 3, 3, 4]].copy()
    stream["y"], stream["stage"] = [4, 3, 3, 3, 3], [0, 0, 0, 0, 1]
    both, more = steps_of(stream[arranged(stream)], program)
    (group,) = both.groups
    assert [(p.multiplication.y, p.first, p.last) for p in group.products] == [(3, 2, 4), (4, 4, 4)]
    assert (group.widths, group.conversions, both.continued) == ((3, 3), (6 * 4 * 8, 6 * 4 * 8), ())
    assert not more.groups
    assert [(p.multiplication.y, p.first, p.last) for p in more.continued] == [(3, 4, 5)]


def test_conversions_are_those_of_the_array_and_the_inputs(handmade: Program) -> None:
    """Two records of 3 columns in array 1; signed inputs have all bits, and a plane more."""
    (made,) = handmade.multiplications
    changed = replace(
        handmade,
        chip=replace(handmade.chip, dac_bits=2),
        formats=[Format(8, "offset"), Format(4, "offset")],
        array_formats=np.array([0, 1], np.uint8),
        multiplications=[replace(made, input_bits=5)],
    )
    (group,) = next(step for step in steps_of(changed.instructions, changed) if step.groups).groups
    assert group.conversions == (6 * 2 * 3, 6 * 2 * 5)
    assert group.limited == changed.multiplications[0]


def test_no_records(handmade: Program) -> None:
    assert steps_of(handmade.instructions[:0], handmade) == []


def test_values_of_outside_stay_as_long_as_a_body_may_run_again(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    """What a branch in a loop reads is forgotten where the loop ends, what the loop makes where it is used last."""
    weight = np.array([[1, 2, 3, 5], [2, 5, 1, 3], [4, 1, 2, 7], [3, 8, 1, 1]], np.float32)
    file = onnx_file(
        """g (int64 n, bool c, float[2,4] x) => (float[2,4] y) {
            a = Abs(x)
            z = Loop(n, , x) <body = b (int64 i, bool go, float[2,4] s) => (bool again, float[2,4] t) {
              again = Identity(go)
              t = If(c) <then_branch = p () => (float[2,4] u) { k = MatMul(s, w) u = Add(k, a) },
                         else_branch = q () => (float[2,4] v) { v = Neg(s) }>
            }>
            y = Neg(z)
        }""",
        {"w": weight},
    )
    program = compiled(file, {"n": np.array(3), "c": np.array(True), "x": weight[:2]}, measure=False).program
    steps = steps_of(program.instructions[effective(program.instructions)], program)
    names = [step.op.name for step in steps]
    loop, branch, else_ = (names.index(name) for name in ("LOOP", "BRANCH", "ELSE"))
    inner, outer = (i for i, name in enumerate(names) if name == "END")
    assert ends_of(steps) == {loop: (outer, outer), branch: (else_, inner)}
    (a,) = program.kernels[steps[0].k].outputs
    trips, condition, x = (value.slot for value in program.inputs)
    freed = {slot: number for number, step in enumerate(steps) for slot in step.frees}
    assert {freed[slot] for slot in (a, trips, condition, x)} == {outer}
    control = program.controls[0]
    assert all(inner < freed[slot] <= outer for slot in control.ends[0])
    assert freed[control.writes[0]] == len(steps) - 1
