"""Attributes of weights and nodes: their texts come back, their symbols are what was said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, StringAttr
from xdsl.ir import Attribute
from xdsl.parser import Parser

from dialects.attributes.cim_attributes import AffineAttr, DataAttr, ProtoAttr
from dialects.cim import make_cim

texts = st.text(st.characters(min_codepoint=32, max_codepoint=126))


def parse(text: str) -> Attribute:
    context = Context()
    context.load_dialect(Builtin)
    context.load_dialect(make_cim())
    return Parser(context, text).parse_attribute()


@given(texts, texts)
def test_names_of_arrays_come_back_exactly(key: str, digest: str) -> None:
    data = DataAttr(StringAttr(key), StringAttr(digest))
    assert parse(str(data)) == data


@given(texts)
def test_serialized_settings_come_back_exactly(text: str) -> None:
    assert parse(str(ProtoAttr(StringAttr(text)))) == ProtoAttr(StringAttr(text))


@pytest.mark.parametrize(
    ("affine", "text"),
    [
        (AffineAttr.of("s"), "#cim.affine<@s>"),
        (AffineAttr.of("s", "z"), "#cim.affine<@s, @z>"),
        (AffineAttr.of("/fc.scale"), '#cim.affine<@"/fc.scale">'),
    ],
)
def test_scale_and_zero_point(affine: AffineAttr, text: str) -> None:
    assert str(affine) == text
    assert parse(text) == affine


def test_symbols() -> None:
    assert (AffineAttr.of("s").scale_symbol, AffineAttr.of("s").zero_point_symbol) == ("s", None)
    assert AffineAttr.of("s", "z").zero_point_symbol == "z"
