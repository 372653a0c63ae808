"""Tables of a stage and a kernel as records and rows: places, rows and times are added up."""

import numpy as np
from xdsl.dialects import test
from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import Block, Operation, Region

from cimc.emitter.timed_records import kernel_work, multiply_records
from cimc.program.records import Opcode
from dialects.array import KernelOp, MultiplyOp, TableAttr, YieldOp
from dialects.cim import DigitalOp
from dialects.element_types import i32, ui8

FLOATS = TensorType(f32, [4])


def multiply() -> MultiplyOp:
    """Two tiles of three row groups, and an addition."""
    (x,) = test.TestOp(result_types=[TensorType(ui8, [8])]).results
    op = MultiplyOp(x, "w", np.array([[0, 0, 4, 3], [4, 1, 4, 2]]), TensorType(i32, [3]))
    op.places = TableAttr.of(np.array([[5, 0, 10], [6, 2, 20]]))
    op.groups = TableAttr.of(np.array([[0, 0, 1, 7, 0, 90, 0], [0, 1, 3, 8, 1, 91, 40], [1, 2, 2, 6, 0, 92, 80]]))
    return op


def test_a_record_for_each_row_group() -> None:
    (records,) = multiply_records(multiply(), stage=3, x=1, y=2, start=1000)
    assert set(records["op"].tolist()) == {Opcode.MULTIPLY}
    names = ("stage", "x", "y", "array", "k", "n", "row", "column", "rows", "columns", "adc_bits", "adc_shift", "bound")
    assert [[int(record[name]) for name in names] for record in records] == [
        [3, 1, 2, 5, 0, 0, 0, 10, 1, 3, 7, 0, 90],
        [3, 1, 2, 5, 1, 0, 1, 10, 3, 3, 8, 1, 91],
        [3, 1, 2, 6, 6, 1, 4, 20, 2, 2, 6, 0, 92],
    ]
    assert records["start"].tolist() == [1000, 1040, 1080]


def test_additions_follow() -> None:
    op = multiply()
    op.adds = TableAttr.of(np.array([[1, 2, 4, 200, 0]]))
    _, additions = multiply_records(op, stage=3, x=1, y=2, start=1000)
    assert [int(additions[name][0]) for name in ("op", "stage", "x", "y", "array", "n", "columns", "start")] == [
        Opcode.ADD, 3, 1, 2, 4, 1, 2, 1200,
    ]  # fmt: skip


def kernel(work: list[list[int]]) -> KernelOp:
    """A kernel of two operators."""
    (x,) = test.TestOp(result_types=[FLOATS]).results
    first = DigitalOp("Neg", [x], [FLOATS])
    second = DigitalOp("Abs", [first.outputs[0]], [FLOATS])
    body = Region(Block([first, second, YieldOp([second.outputs[0]])]))
    return KernelOp(0, 500, 100, np.array(work).reshape(-1, 4), body, [FLOATS])


def test_operators_that_take_time_have_rows() -> None:
    """By their nodes in the kernel's graph, which may have others in between."""
    op = kernel([[0, 1, 0, 30], [1, 0, 30, 70], [1, 1, 30, 70]])
    places: dict[Operation, int] = dict(zip(op.operators, (2, 7)))
    assert kernel_work(op, places, kernel=4, start=500).tolist() == [
        [4, 2, 1, 500, 30],
        [4, 7, 0, 530, 70],
        [4, 7, 1, 530, 70],
    ]


def test_a_kernel_that_takes_no_time_has_none() -> None:
    assert kernel_work(kernel([]), {}, kernel=4, start=500).shape == (0, 5)
