"""The runner checks what passes leave behind, keeps the IR of every step, and calls back in order."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr, UnknownLoc
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.passes import ModulePass

from cimc.pass_driver.pass_runner import AfterPass, PassRunner, check
from cimc.universe import make_context
from dialects.cim import DigitalOp, weight_op
from dialects.errors import UserError
from dialects.locations import location
from dialects.network import Network, main_block
from dialects.weights import WeightStore
from passes.tile_blocks import TileBlocksPass

TEXT = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1,
    adc_bits = 8, adcs = 1, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0,
    transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    %y = cim.matmul %x, @w : tensor<?x8xf32> -> tensor<?x8xf32> loc("/fc/\\\\u{e9}")
    %z = cim.digital "Relu"(%y) : (tensor<?x8xf32>) -> tensor<?x8xf32> loc("/relu")
    func.return %z : tensor<?x8xf32> loc("end")
  } loc("main")
} loc("model")
"""


def network() -> tuple[ModuleOp, Context]:
    context = make_context(WeightStore())
    module = Parser(context, TEXT).parse_module()
    found = Network.of(context, module)
    weight = weight_op("w", np.arange(64, dtype=np.float32).reshape(8, 8), found.store)
    weight.location = location("w")
    found.add_weight(weight)
    return module, context


@dataclass(frozen=True)
class Change(ModulePass):
    """A pass that does what it is told."""

    name = "change"

    what: Callable[[Operation], None] = lambda op: None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        relu = next(o for o in main_block(op).ops if isinstance(o, DigitalOp))
        self.what(relu)


def test_callbacks_come_first_and_after_every_pass():
    module, context = network()
    calls: list[tuple[int, str | None]] = []

    def callback(number: int) -> AfterPass:
        return lambda done, module: calls.append((number, None if done is None else done.name))

    runner = PassRunner(context, [callback(0), callback(1)])
    runner.run(module, [Change(), Change()])
    assert calls == [(0, None), (1, None), (0, "change"), (1, "change"), (0, "change"), (1, "change")]
    assert [s.name for s in runner.statistics] == ["change", "change"]
    assert runner.statistics[0].operations == {"cim.matmul": 1, "cim.digital": 1, "func.return": 1}
    assert all(s.seconds >= 0 and s.checking >= 0 for s in runner.statistics)


def test_passes_in_two_goes():
    """The second go does not begin anew; each pass is announced before it runs."""
    module, context = network()
    calls: list[str] = []
    runner = PassRunner(context, [lambda done, module: calls.append("after")], lambda one: calls.append(one.name))
    for _ in range(2):
        runner.run(module, [Change()])
    assert calls == ["after", "change", "after", "change", "after"]
    assert [s.name for s in runner.statistics] == ["change", "change"]


def lose_location(op: Operation) -> None:
    op.location = UnknownLoc()


def move_up(op: Operation) -> None:
    block = op.parent
    assert block is not None
    assert block.first_op is not None
    op.detach()
    block.insert_op_before(op, block.first_op)


def spoil(op: Operation) -> None:
    op.properties["bodies"] = StringAttr("no list")


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        (lose_location, "change lost the ONNX node of an operation"),
        (move_up, "after change: cim.digital of node '/relu': operand 0 is used before it is defined"),
        (spoil, "after change: "),
    ],
)
def test_a_pass_that_leaves_an_illegal_module_is_named(what: Callable[[Operation], None], complaint: str):
    module, context = network()
    with pytest.raises(AssertionError) as error:
        PassRunner(context).run(module, [Change(what)])
    assert str(error.value).startswith(complaint)


def test_nodes_need_no_names_where_none_had_one_before():
    module, context = network()
    PassRunner(context).run(module, [])
    for op in main_block(module).ops:
        lose_location(op)
    PassRunner(context).run(module, [Change(lose_location)])


def test_weights_that_do_not_fit_are_found():
    module, _ = network()
    weight = module.body.block.first_op
    assert weight is not None
    weight.detach()
    with pytest.raises(
        AssertionError, match=r"after x: cim\.matmul of node '/fc/é': weight @w is used but not defined"
    ):
        check(module, "x")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("quantize", "every multiplication by a constant weight is of integers"),
        ("tile-blocks", "every multiplication by a constant weight has tiles"),
        ("schedule-arrays", "every multiplication by a constant weight has tiles"),
    ],
)
def test_rules_of_the_stage(name: str, rule: str):
    module, _ = network()
    with pytest.raises(AssertionError) as error:
        check(module, name)
    assert str(error.value) == f"after {name}: {rule} should hold, but not for node '/fc/é'"


def test_mistakes_of_the_user_pass_through():
    module, context = network()
    with pytest.raises(UserError, match="node '/fc/é' multiplies f32, arrays multiply integers: run quantize first"):
        PassRunner(context).run(module, [TileBlocksPass()])
