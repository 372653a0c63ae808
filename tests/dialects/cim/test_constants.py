"""What stock passes are told of constants."""

from xdsl.dialects.builtin import NoneAttr
from xdsl.parser import Parser
from xdsl.traits import ConstantLike

from cimc.universe import make_context
from dialects.cim import CONSTANTS, ConstantOp, NoneOp, ReadOp, make_cim
from dialects.network import main_block


def test_constants_are_those_with_the_trait() -> None:
    assert {op for op in make_cim().operations if op.has_trait(ConstantLike)} == CONSTANTS


def test_what_constants_are() -> None:
    """Those that an attribute can hold."""
    text = """func.func @main() {
      %c = cim.constant dense<7> : tensor<i64>
      %r = cim.read @w : tensor<2xf32>
      %n = cim.none : none
      func.return
    }"""
    found: dict[type, object] = {}
    for op in main_block(Parser(make_context(), text).parse_module()).ops:
        if op.results:
            found[type(op)] = ConstantLike.get_constant_value(op.results[0])
    constant = found[ConstantOp]
    assert str(constant) == "dense<7> : tensor<i64>"
    assert found == {ConstantOp: constant, ReadOp: None, NoneOp: NoneAttr()}
