"""How long steps take in a run: of vectors, copies, rounds of bodies, and what operators cost."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cimc.clock.graph import Kind, Pool, Steps
from cimc.clock.steps import steps_of
from cimc.compiler import Compilation
from cimc.program.program import Program
from cimc.report.cost.kernel_runs import run_kernels
from cimc.report.cost.run_steps import steps_of_run, taken_by_steps
from cimc.report.cost.vectors import INFERENCE, ONE, Vectors
from passes.analysis.cost.digital import OperatorCost, Unit


def factors(steps: Steps, changed: Steps, kind: Kind) -> set[int]:
    own = steps.kind == kind
    return set((changed.duration[own] // steps.duration[own]).tolist())


@pytest.mark.parametrize(("links", "moves"), [(None, 1), (1, 6)])
def test_vectors_of_an_inference(program: Program, links: int | None, moves: int) -> None:
    """All activations and additions, and transfers once, for they overlap where the chip does not count its links."""
    assert program.timing is not None
    steps = steps_of(replace(program, timing=replace(program.timing, links=links)))
    changed = steps_of_run(steps, Vectors(INFERENCE, {m.y: 6 for m in program.multiplications}), None, None)
    assert factors(steps, changed, Kind.ACTIVATION) == factors(steps, changed, Kind.ADDITION) == {6}
    assert factors(steps, changed, Kind.INWARD) == factors(steps, changed, Kind.OUTWARD) == {moves}


def test_what_takes_no_vector_takes_no_time(program: Program) -> None:
    none, *others = (m.y for m in program.multiplications)
    steps = steps_of(program)
    vectors = Vectors(of={none: 0, **dict.fromkeys(others, 1)})
    y = program.instructions["y"][steps.record]
    own = (steps.kind == Kind.ACTIVATION) & (y == none)
    assert (taken_by_steps(steps, vectors)[own] == 0).all()
    assert (steps_of_run(steps, vectors, None, None).duration[own] == 0).all()


def test_copies_share_the_vectors(program: Program) -> None:
    steps = steps_of(program)
    shared = replace(steps, copies=np.where(steps.kind == Kind.ACTIVATION, 4, 1))
    changed = steps_of_run(shared, Vectors(INFERENCE, {m.y: 6 for m in program.multiplications}), None, None)
    assert factors(steps, changed, Kind.ACTIVATION) == {2}


def test_tokens_of_a_run_are_counted_together(program: Program) -> None:
    steps = steps_of(program)
    changed = steps_of_run(steps, Vectors(tokens=3), None, None)
    assert factors(steps, changed, Kind.ACTIVATION) == factors(steps, changed, Kind.INWARD) == {3}


def test_operators_take_what_they_cost(program: Program) -> None:
    steps = steps_of(program)
    first, second, *_ = steps.of_node.of(0).tolist()
    costs = [OperatorCost(Unit.VECTOR, 1, 70), OperatorCost(Unit.NONE)]
    changed = steps_of_run(steps, ONE, None, [costs])
    assert (changed.duration[first], changed.pool[first], changed.units[first]) == (70, Pool.DIGITAL, 1)
    assert (changed.duration[second], changed.pool[second], changed.units[second]) == (0, Pool.NONE, 0)


LOOP = """g (int64 trips, float[5,4] x) => (float[5,4] y) {
    y = Loop(trips, , x) <body = b (int64 i, bool go, float[5,4] s) => (bool again, float[5,4] t) {
        r = MatMul(s, w)  t = Relu(r)  again = Identity(go)
    }>
}"""


def test_transfers_are_there_in_each_round_of_a_body(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    inputs = {"trips": np.array(3), "x": np.ones((5, 4), np.float32)}
    program = compiled(onnx_file(LOOP, {"w": np.eye(4, dtype=np.float32)}), inputs, mapping="linear").program
    run = replace(run_kernels(program, {}), iterations={body: 3 for body in range(len(program.instructions))})
    steps = steps_of(program)
    changed = steps_of_run(steps, Vectors(INFERENCE, {program.multiplications[0].y: 15}), run, None)
    assert factors(steps, changed, Kind.ACTIVATION) == {15}
    assert factors(steps, changed, Kind.INWARD) == factors(steps, changed, Kind.OUTWARD) == {3}
