"""Work on operators follows a kernel's graph, bodies included; messages are tested in test_checker.py."""

from dataclasses import replace

import numpy as np
import pytest
from onnx import parser

from cimc.program.errors import ProgramError
from cimc.program.metadata import Kernel
from cimc.program.program import Program
from cimc.program.records import kernel_record
from cimc.program.schedule.operators import verify_operators

GRAPH = """g (float[n] v0, bool v1) => (float[n] v2) {
    a = Neg(v0)  b = Abs(v0)
    v2 = If(v1) <
        then_branch = t () => (float[n] c) { c = Add(a, v0) },
        else_branch = e () => (float[n] b) { } >
}"""
MODEL = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {GRAPH}').SerializeToString()


def is_legal(program: Program, *rows: tuple[int, int, int, int]) -> bool:
    """Whether work (node, unit, start, duration) fits the kernel of `MODEL`, which starts at 100 ps."""
    changed = replace(
        program,
        kernels=[Kernel(MODEL, (0, 1), (2,), ())],
        instructions=kernel_record(stage=0, kernel=0, start=100),
        operations=np.array([(0, *row) for row in rows], np.int64).reshape(-1, 5),
    )
    try:
        verify_operators(changed)
    except ProgramError:
        return False
    return True


@pytest.mark.parametrize(("start", "legal"), [(130, True), (129, False)])
def test_an_operator_waits_for_what_its_bodies_read(handmade: Program, start: int, legal: bool) -> None:
    """Read in an operator of a body, or handed on as its result."""
    assert is_legal(handmade, (0, 0, 100, 30), (2, 0, start, 10)) == legal
    assert is_legal(handmade, (1, 0, 100, 30), (2, 0, start, 10)) == legal


def test_operators_that_do_not_read_each_other_may_overlap(handmade: Program) -> None:
    assert is_legal(handmade, (0, 0, 100, 30), (1, 1, 110, 30), (2, 0, 140, 10))


def test_what_takes_no_time_hands_on_the_time_of_its_operands(handmade: Program) -> None:
    assert is_legal(handmade)
    assert is_legal(handmade, (2, 0, 100, 10))


@pytest.mark.parametrize("rows", [[(0, 0, 99, 5)], [(3, 0, 100, 5)], [(0, 0, 100, 5), (0, 1, 100, 6)]])
def test_work_before_the_kernel_on_no_node_or_at_two_times(
    handmade: Program, rows: list[tuple[int, int, int, int]]
) -> None:
    assert not is_legal(handmade, *rows)
