"""Control flow as Python makes it; its texts and messages are in lit/dialects/array."""

from xdsl.dialects import test
from xdsl.dialects.builtin import ArrayAttr, StringAttr, TensorType, f32, i1
from xdsl.ir import Block, Region

from dialects.array import ControlOp, YieldOp


def test_branches_follow_each_other_with_the_one_of_a_true_condition_first() -> None:
    value = TensorType(f32, [4])
    condition, x = test.TestOp(result_types=[TensorType(i1, []), value]).results
    blocks = [Block([YieldOp([x])]) for _ in range(2)]
    names = ArrayAttr([StringAttr("else_branch"), StringAttr("then_branch")])
    op = ControlOp(StringAttr("If"), [condition], [value], None, names, [Region(block) for block in blocks])
    op.set_times(10, 20)
    op.verify()
    assert op.in_order == blocks[::-1]
    assert (op.start_ps.value.data, op.duration_ps.value.data, op.setting) == (10, 20, {})
