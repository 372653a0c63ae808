"""Types under ONNX's own names: any text comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin
from xdsl.parser import Parser

from dialects.cim import make_cim
from dialects.cim_types import ElementType, ValueType


def context() -> Context:
    known = Context()
    known.load_dialect(Builtin)
    known.load_dialect(make_cim())
    return known


@pytest.mark.parametrize("kind", [ElementType, ValueType])
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_names_come_back_exactly(kind: type[ElementType | ValueType], name: str) -> None:
    assert Parser(context(), str(kind.of(name))).parse_type() == kind.of(name)


def test_spelling() -> None:
    assert str(ElementType.of("string")) == '!cim.element<"string">'
    assert str(ValueType.of("seq(tensor(float))")) == '!cim.value<"seq(tensor(float))">'
    assert str(Parser(context(), 'tensor<?x!cim.element<"string">>').parse_type()).startswith("tensor<?x!cim.element")
