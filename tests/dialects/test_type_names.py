"""Names of types say all that the types do."""

import pytest
from xdsl.dialects.builtin import TensorType
from xdsl.parser import Parser
from xdsl.utils.hints import isa

from cimc.universe import make_context
from dialects.type_names import name_of_type


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("tensor<?x512xf32>", "!vectors_512_f32"),
        ("tensor<?x?x512xui8>", "!tokens_512_ui8"),
        ("tensor<?x8x?x64xbf16>", "!heads_8x64_bf16"),
        ("tensor<?x1xi1>", "!vectors_1_i1"),
        ("tensor<?x?xi64>", None),
        ("tensor<?x64x?x?xf32>", None),
        ("tensor<2x3xf32>", None),
        ("tensor<f32>", None),
        ("tensor<?x4xf32, 1 : i64>", None),
        ('tensor<?x4x!cim.element<"string">>', None),
    ],
)
def test_names(type_: str, name: str | None) -> None:
    parsed = Parser(make_context(), type_).parse_type()
    assert isa(parsed, TensorType)
    assert name_of_type(parsed) == name
