"""What patterns make has node, name and type of what it replaces, and operations are offered once, in order."""

from dataclasses import dataclass, field

import pytest
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, UnrankedTensorType, f32
from xdsl.ir import Attribute, Block, Operation
from xdsl.parser import Parser
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.element_types import UNKNOWN, ui8
from dialects.errors import UserError
from dialects.locations import location
from dialects.network import Network, operations
from dialects.weights import WeightStore
from passes.rewriting.patterns import NetworkRewriter, rewrite, rewrite_first
from passes.rewriting.sweep import sweep

CHAIN = """
func.func @main(%x: tensor<?x2xf32>, %go: tensor<i1>) -> tensor<?x2xf32> {
  %a = cim.digital "Relu"(%x) : (tensor<?x2xf32>) -> tensor<3x2xf32> loc("a")
  %b = cim.digital "Neg"(%a) : (tensor<3x2xf32>) -> tensor<3x2xf32> loc("b")
  %c = cim.digital "If"(%go) bodies ["then_branch"] {
    %inside = cim.digital "Relu"(%b) : (tensor<3x2xf32>) -> tensor<3x2xf32> loc("inside")
    cim.yield %inside : tensor<3x2xf32> loc("c")
  } : (tensor<i1>) -> tensor<3x2xf32> loc("c")
  %d = cim.digital "Relu"(%c) : (tensor<3x2xf32>) -> tensor<?x2xf32> loc("d")
  func.return %d : tensor<?x2xf32> loc("end")
}"""


def network(text: str = CHAIN) -> Network:
    return Network(Parser(make_context(), text).parse_module(), WeightStore())


def names(net: Network) -> list[str]:
    return [op.op_type.data for op in operations(net.block) if isinstance(op, DigitalOp)]


@dataclass(frozen=True)
class Twice(RewritePattern):
    """An operator becomes two; `seen` are those that were offered."""

    old: str
    new: str
    seen: list[str] = field(default_factory=list[str])

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        self.seen.append(op.op_type.data)
        if not op.is_a(self.old):
            return
        first = DigitalOp(self.new, op.inputs, [op.inputs[0].type])
        rewriter.replace(op, [first, DigitalOp(self.new, first.outputs, [op.inputs[0].type])])


def test_new_operations_have_node_name_and_type_of_the_old() -> None:
    net = network()
    assert rewrite(net.block.ops, Twice("Relu", "Abs"))
    sweep(net)
    net.module.verify()
    first, second, *_ = net.block.ops
    assert first.location == second.location == location("a")
    assert second.results[0].name_hint == "a"
    assert [str(op.results[0].type) for op in (first, second)] == ["tensor<?x2xf32>", "tensor<3x2xf32>"]


def test_each_operation_is_offered_once_and_bodies_are_left_alone() -> None:
    """Nor is what a pattern makes offered again, though it would match; what the first leaves the second gets."""
    net, first, second = network(), Twice("Relu", "Relu"), Twice("Neg", "Relu")
    assert rewrite(net.block.ops, first, second)
    assert names(net) == ["Relu", "Relu", "Relu", "Relu", "If", "Relu", "Relu", "Relu"]
    assert (first.seen, second.seen) == (["Relu", "Neg", "If", "Relu"], ["Neg", "If"])
    assert not rewrite(net.block.ops, Twice("Softmax", "Relu"))


def test_no_further_than_the_first() -> None:
    net, pattern = network(), Twice("Neg", "Abs")
    assert rewrite_first(net.block.ops, pattern)
    assert pattern.seen == ["Relu", "Neg"]
    assert not rewrite_first(net.block.ops, pattern)


class Drop(RewritePattern):
    """An operator and the one before it go."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, DigitalOp) or op.outputs[0].name_hint != "a":
            return
        (user,) = (use.operation for use in op.outputs[0].uses)
        rewriter.replace(user, (), [op.inputs[0]])
        rewriter.erase(op)


def test_operations_that_are_gone_are_passed_over_and_inputs_keep_their_names() -> None:
    net, later = network(), Twice("Neg", "Neg")
    assert rewrite(net.block.ops, Drop(), later)
    assert later.seen == ["If", "Relu"]
    assert net.block.args[0].name_hint == "x"
    assert names(net) == ["If", "Relu", "Relu"]


class Alias(RewritePattern):
    """An operator is another name for its input."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        if isinstance(op, DigitalOp) and op.is_a("Neg"):
            rewriter.replace_all_uses_with(op.outputs[0], op.inputs[0])
            rewriter.erase(op)


def test_only_a_replacement_gives_a_name() -> None:
    """`replace` names what was there before, too; `replace_all_uses_with` does not."""
    net = network()
    assert rewrite(net.block.ops, Alias())
    assert net.block.first_op is not None
    assert net.block.first_op.results[0].name_hint == "a"


class Refuse(RewritePattern):
    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        raise UserError("a mistake of the user")


def test_errors_go_through_as_they_are() -> None:
    with pytest.raises(UserError) as caught:
        rewrite(network().block.ops, Refuse())
    assert not hasattr(caught.value, "__notes__")


def test_inserted_operations_have_the_node_of_the_one_at_hand() -> None:
    """Unless they say themselves where they come from."""

    class Insert(RewritePattern):
        def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
            if isinstance(op, DigitalOp) and op.is_a("Neg"):
                there = DigitalOp("Abs", op.inputs, [op.inputs[0].type])
                there.location = location("elsewhere")
                rewriter.insert([there, DigitalOp("Abs", op.inputs, [op.inputs[0].type])])

    net = network()
    assert rewrite(net.block.ops, Insert())
    assert [op.location for op in net.block.ops][1:4] == [location("elsewhere"), location("b"), location("b")]


def before_and_after(x: Attribute, old: Attribute, new: Attribute) -> tuple[DigitalOp, DigitalOp, DigitalOp]:
    """Operators of a value of type `x` that give values of type `old` and `new`, and a user of the first."""
    block = Block(arg_types=[x])
    before, after = (DigitalOp("Neg", block.args, [kind]) for kind in (old, new))
    user = DigitalOp("Abs", before.outputs, [old])
    block.add_ops([before, after, user])
    return before, after, user


@pytest.mark.parametrize(
    ("new", "old", "united"),
    [
        (TensorType(f32, [DYNAMIC_INDEX, 4]), TensorType(f32, [3, DYNAMIC_INDEX]), TensorType(f32, [3, 4])),
        (TensorType(UNKNOWN, [3, 4]), TensorType(f32, [DYNAMIC_INDEX, 4]), TensorType(f32, [3, 4])),
        (UnrankedTensorType(f32), TensorType(f32, [3, 4]), TensorType(f32, [3, 4])),
        (TensorType(f32, [3, 4]), UnrankedTensorType(f32), TensorType(f32, [3, 4])),
        (TensorType(f32, [DYNAMIC_INDEX]), TensorType(f32, [3, 4]), TensorType(f32, [DYNAMIC_INDEX])),
        (TensorType(ui8, [4]), TensorType(UNKNOWN, [4]), TensorType(ui8, [4])),
        (UnrankedTensorType(UNKNOWN), UnrankedTensorType(UNKNOWN), UnrankedTensorType(UNKNOWN)),
    ],
)
def test_what_only_the_old_type_tells_is_kept(
    new: TensorType | UnrankedTensorType, old: TensorType | UnrankedTensorType, united: TensorType | UnrankedTensorType
) -> None:
    before, after, user = before_and_after(UnrankedTensorType(f32), old, new)
    NetworkRewriter(before).replace_all_uses_with(before.outputs[0], after.outputs[0])
    assert user.inputs[0].type == united
    assert not before.outputs[0].uses


def test_the_type_of_an_input_stays() -> None:
    before, _, user = before_and_after(UnrankedTensorType(f32), TensorType(f32, [3]), TensorType(f32, [3]))
    NetworkRewriter(before).replace_all_uses_with(before.outputs[0], before.inputs[0])
    assert user.inputs[0] is before.inputs[0]
    assert user.inputs[0].type == UnrankedTensorType(f32)
