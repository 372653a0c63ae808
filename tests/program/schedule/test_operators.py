"""Work on operators follows a kernel's graph, bodies included; messages are tested in test_checker.py."""

from dataclasses import replace

import numpy as np
import pytest
from onnx import parser

from cimc.program.errors import ProgramError
from cimc.program.metadata import Kernel
from cimc.program.program import Program
from cimc.program.records import kernel_record
from cimc.program.schedule.operators import Operators

GRAPH = """g (float[n] v0, bool v1) => (float[n] v2) {
    a = Neg(v0)  b = Abs(v0)
    v2 = If(v1) <
        then_branch = t () => (float[n] c) { c = Add(a, v0) },
        else_branch = e () => (float[n] b) { } >
}"""
MODEL = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {GRAPH}').SerializeToString()


Row = tuple[int, int, int, int]
"""Work: node, unit, start, duration."""


def results(program: Program, rows: tuple[Row, ...], ready: dict[int, int]) -> list[int]:
    """When the outputs of the kernel of `MODEL`, which starts at 100 ps, are there."""
    changed = replace(
        program,
        kernels=[Kernel(MODEL, (0, 1), (2,), ())],
        instructions=kernel_record(stage=0, kernel=0, start=100),
        operations=np.array([(0, *row) for row in rows], np.int64).reshape(-1, 5),
    )
    return list(Operators(changed).results(0, 0, 100, ready).values())


def is_legal(program: Program, *rows: Row, float_at: int = 100, bool_at: int = 100) -> bool:
    """Whether work fits the kernel, the values it reads being there at these times."""
    try:
        results(program, rows, {0: float_at, 1: bool_at})
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


@pytest.mark.parametrize(("at", "legal"), [(130, True), (131, False)])
def test_an_operator_waits_for_the_values_that_it_reads_and_no_others(handmade: Program, at: int, legal: bool) -> None:
    assert is_legal(handmade, (0, 0, 130, 5), float_at=at) == legal
    assert is_legal(handmade, (0, 0, 130, 5), (2, 0, 140, 5), bool_at=at)
    assert is_legal(handmade, (2, 0, 130, 5), bool_at=at) == legal


def test_results_are_there_when_their_operator_is_done(handmade: Program) -> None:
    """The `If` reads all; `Abs`, which is an output as well, is not kept waiting by it."""
    ready = {0: 110, 1: 120}
    assert results(handmade, ((1, 0, 110, 4), (2, 0, 125, 9)), ready) == [134]
    assert results(handmade, ((1, 0, 110, 17),), ready) == [127]
    assert results(handmade, (), ready) == [120]


def test_each_result_has_its_own_time(handmade: Program) -> None:
    graph = "g (float[n] v0, float[n] v1) => (float[n] v2, float[n] v3) { v2 = Neg(v0)  v3 = Abs(v1) }"
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {graph}').SerializeToString()
    changed = replace(
        handmade,
        kernels=[Kernel(model, (0, 1), (2, 3), ())],
        instructions=kernel_record(stage=0, kernel=0, start=10),
        operations=np.array([(0, 1, 0, 50, 7)], np.int64),
    )
    assert Operators(changed).results(0, 0, 10, {0: 30, 1: 50}) == {2: 30, 3: 57}


@pytest.mark.parametrize(("op", "legal"), [("Shape", True), ("Size", True), ("Neg", False)])
def test_how_large_an_input_is_is_known_before_it_is_there(handmade: Program, op: str, legal: bool) -> None:
    graph = f"g (float[n] v0) => (float[n] v2) {{ v2 = {op}(v0) }}"
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {graph}').SerializeToString()
    changed = replace(
        handmade,
        kernels=[Kernel(model, (0,), (2,), ())],
        instructions=kernel_record(stage=0, kernel=0, start=10),
        operations=np.array([(0, 0, 0, 50, 7)], np.int64),
    )
    assert changed.inputs[0].slot == 0
    assert Operators(changed).results(0, 0, 10, {0: 50}) == {2: 57}
    if legal:
        assert Operators(changed).results(0, 0, 10, {0: 51}) == {2: 57}
        return
    with pytest.raises(ProgramError):
        Operators(changed).results(0, 0, 10, {0: 51})
