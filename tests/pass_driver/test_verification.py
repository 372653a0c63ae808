"""Verification again and again: as strict as xDSL's own, and no work for what has not changed."""

from collections.abc import Callable

import pytest
from xdsl.dialects.builtin import ModuleOp, StringAttr, TensorType, f32, i32
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import VerifyException

from cimc.pass_driver.verification import Verifier
from cimc.universe import make_context
from dialects.cim import ConstantOp, DigitalOp, MatmulOp
from dialects.network import main_block
from dialects.weights import WeightStore

TEXT = """
cim.weight @w = dense<1.0> : tensor<2x2xf32>
func.func @main(%x: tensor<1x2xf32>, %c: tensor<i1>) -> tensor<1x2xf32> {
  %a = cim.digital "Relu"(%x) : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %b = cim.matmul %a, @w : tensor<1x2xf32> -> tensor<1x2xf32>
  %k = cim.constant dense<1> : tensor<1xi64>
  %l = cim.constant dense<1> : tensor<1xi64>
  %d = cim.digital "If"(%c) bodies ["then_branch"] {
    %e = cim.digital "Relu"(%b) : (tensor<1x2xf32>) -> tensor<1x2xf32>
    cim.yield %e : tensor<1x2xf32>
  } : (tensor<i1>) -> tensor<1x2xf32>
  func.return %d : tensor<1x2xf32>
}
"""


@pytest.fixture
def module() -> ModuleOp:
    return Parser(make_context(WeightStore()), TEXT).parse_module()


def first(module: ModuleOp, kind: type[Operation]) -> Operation:
    return next(op for op in module.walk() if type(op) is kind)


def inner(module: ModuleOp) -> DigitalOp:
    """The operator inside the body."""
    found = [op for op in module.walk() if isinstance(op, DigitalOp)]
    return found[-1]


def wrong_type(module: ModuleOp) -> None:
    Rewriter.replace_value_with_new_type(first(module, MatmulOp).results[0], TensorType(i32, [1, 2]))


def wrong_property(module: ModuleOp) -> None:
    first(module, DigitalOp).properties["op_type"] = f32


def wrong_name(module: ModuleOp) -> None:
    inner(module).properties["unknown"] = StringAttr("x")


def no_terminator(module: ModuleOp) -> None:
    last = main_block(module).last_op
    assert last is not None
    last.detach()


def wrong_arguments(module: ModuleOp) -> None:
    main_block(module).insert_arg(f32, 0)


def wrong_constant(module: ModuleOp) -> None:
    attribute = StringAttr("x")
    for op in module.walk():
        if isinstance(op, ConstantOp):
            op.properties["unknown"] = attribute


def empty_body(module: ModuleOp) -> None:
    block = inner(module).parent
    assert block is not None
    for op in reversed(list(block.ops)):
        op.detach()


@pytest.mark.parametrize(
    "change",
    [wrong_type, wrong_property, wrong_name, no_terminator, wrong_arguments, wrong_constant, empty_body],
    ids=lambda c: c.__name__,
)
@pytest.mark.parametrize("known", [False, True], ids=["new", "known before"])
def test_what_xdsl_refuses_is_refused(module: ModuleOp, change: Callable[[ModuleOp], None], known: bool) -> None:
    verifier = Verifier()
    if known:
        verifier.verify(module)
    change(module)
    with pytest.raises(VerifyException):
        module.verify()
    with pytest.raises(VerifyException):
        verifier.verify(module)


def test_what_has_not_changed_is_not_verified_again(module: ModuleOp, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[Operation] = []

    def noted(self: Operation, verify_nested_ops: bool = True) -> None:
        verified.append(self)

    monkeypatch.setattr(MatmulOp, "verify", noted)
    verifier = Verifier()
    verifier.verify(module)
    verifier.verify(module)
    product = first(module, MatmulOp)
    assert verified == [product]
    product.attributes["new"] = StringAttr("x")
    verifier.verify(module)
    assert verified == [product, product]
