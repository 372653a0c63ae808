"""Names of ONNX in the IR: ASCII, exact, and readable where they were ASCII before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import ArrayAttr, IntAttr, StringAttr
from xdsl.ir import Attribute

from dialects.texts import escaped, texts_in, unescaped

texts = st.text(st.characters(codec="utf-8") | st.sampled_from('\\u{}"e95c'))


@given(texts)
def test_escape_and_back(text: str):
    assert unescaped(escaped(text)) == text


@given(texts)
def test_escaped_is_printable_ascii(text: str):
    assert escaped(text).isascii()
    assert escaped(text).isprintable()


@pytest.mark.parametrize("name", ["/layer.0/MatMul", 'a "quoted" name', "back\\slash", "\\u00e9", ""])
def test_plain_names_stay(name: str):
    assert escaped(name) == name


@pytest.mark.parametrize(
    ("name", "text"), [("é", r"\u{e9}"), ("\n", r"\u{a}"), ("😀", r"\u{1f600}"), (r"\u{e9}", r"\u{5c}u{e9}")]
)
def test_forms(name: str, text: str):
    assert escaped(name) == text


@pytest.mark.parametrize("text", [r"\u{110000}", r"\u{}", r"\u{xyz}", r"\u{e9"])
def test_what_is_no_escape_stays(text: str):
    assert unescaped(text) == text


@pytest.mark.parametrize(
    ("attribute", "texts"),
    [
        (ArrayAttr([StringAttr(r"\u{e9}"), StringAttr("a")]), ("é", "a")),
        (ArrayAttr([]), ()),
        (ArrayAttr([StringAttr("a"), IntAttr(1)]), None),
        (StringAttr("a"), None),
        (None, None),
    ],
)
def test_texts_of_an_array(attribute: Attribute | None, texts: tuple[str, ...] | None):
    assert texts_in(attribute) == texts
