"""Kernels, stages and permutations as Python makes them; their texts and messages are in lit/dialects/array."""

import numpy as np
import pytest
from xdsl.dialects import test
from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import Block, Region

from dialects.array import INTO_ARRAYS, OUT_OF_ARRAYS, KernelOp, MultiplyOp, PermuteOp, StageOp, TransferOp, YieldOp
from dialects.cim import DigitalOp, NoneOp
from dialects.element_types import i32, ui8

BYTES, SUMS, FLOATS = (TensorType(element, [4]) for element in (ui8, i32, f32))
TILES = np.array([[0, 0, 4, 4]])


def test_a_stage_moves_multiplies_and_moves_back() -> None:
    (x,) = test.TestOp(result_types=[BYTES]).results
    inward = TransferOp(x, INTO_ARRAYS, 0, 5)
    multiply = MultiplyOp(inward.result, "w", TILES, SUMS)
    outward = TransferOp(multiply.result, OUT_OF_ARRAYS, 90, 5)
    stage = StageOp(7, 100, 95, Region(Block([inward, multiply, outward, YieldOp([outward.result])])), [SUMS])
    stage.verify()
    assert (inward.is_inward, outward.is_inward) == (True, False)
    assert list(stage.yielded) == [outward.result]
    assert (stage.number.value.data, stage.start_ps.value.data, stage.duration_ps.value.data) == (7, 100, 95)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_kernel_knows_its_operators_and_has_work_only_if_it_takes_time(rows: int) -> None:
    (x,) = test.TestOp(result_types=[FLOATS]).results
    none = NoneOp()
    operators = [DigitalOp("Neg", [x], [FLOATS]), DigitalOp("Clip", [x, none.result], [FLOATS])]
    end = YieldOp([operators[1].outputs[0]])
    kernel = KernelOp(
        3, 0, 10, np.array([[1, 0, 0, 10]])[:rows], Region(Block([operators[0], none, operators[1], end])), [FLOATS]
    )
    kernel.verify()
    assert kernel.operators == operators
    assert list(kernel.yielded) == [operators[1].outputs[0]]
    assert (kernel.work is None) == (rows == 0)


def test_a_permutation_names_its_table() -> None:
    (x,) = test.TestOp(result_types=[FLOATS]).results
    permute = PermuteOp(x, "order", 100, 5, FLOATS)
    permute.verify()
    assert permute.symbol == "order"
