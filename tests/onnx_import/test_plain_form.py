"""Domains, names and dimensions in plain form."""

from pathlib import Path

import pytest
from onnx import ModelProto, parser

from cimc.onnx_import.plain_form import make_plain
from dialects.errors import UserError

FILE = Path("some.onnx")
HEAD = '<ir_version: 8, opset_import: ["" : 17]>'


def plain(text: str, *, replaced: tuple[bytes, bytes] = (b"", b"")) -> ModelProto:
    """The model of a text, with some of its bytes replaced by as many others, in plain form."""
    content = parser.parse_model(text).SerializeToString()
    model = ModelProto.FromString(content.replace(*replaced) if replaced[0] else content)
    make_plain(model, FILE)
    return model


def test_onnx_s_own_domain_has_one_name() -> None:
    model = plain(
        """<ir_version: 8, opset_import: ["ai.onnx" : 17, "f" : 1]>
        g (float[n] x, bool c) => (float[n] y) {
            h = ai.onnx.Neg(x)
            k = ai.onnx.If(c) <then_branch = t () => (float[n] o) { o = ai.onnx.Abs(h) },
                               else_branch = e () => (float[n] p) { p = ai.onnx.Neg(h) }>
            y = f.Inner(k)
        }
        <domain: "f", opset_import: ["ai.onnx" : 17]> Inner (a) => (b) { b = ai.onnx.Relu(a) }"""
    )
    assert [entry.domain for entry in model.opset_import] == ["", "f"]
    assert [entry.domain for entry in model.functions[0].opset_import] == [""]
    bodies = [attribute.g for attribute in model.graph.node[1].attribute]
    nodes = [*model.graph.node[:2], *model.functions[0].node, *(node for body in bodies for node in body.node)]
    assert {node.domain for node in nodes} == {""}


@pytest.mark.parametrize("name", [b"abc", b"def", b"ghi", b"jkl"])
def test_names_that_are_no_utf8(name: bytes) -> None:
    """Of a node, an input, a value between nodes and an output; each wrong byte becomes a text."""
    text = f"{HEAD} g (float[n] def) => (float[n] jkl) {{ [abc] ghi = Neg(def) jkl = Neg(ghi) }}"
    graph = plain(text, replaced=(name, b"\xffa\xfe")).graph
    names = [graph.node[0].name, graph.input[0].name, graph.node[0].output[0], graph.output[0].name]
    assert names[[b"abc", b"def", b"ghi", b"jkl"].index(name)] == "\\xffa\\xfe"
    assert graph.node[1].input[0] == graph.node[0].output[0]
    assert graph.node[0].input[0] == graph.input[0].name


@pytest.mark.parametrize("name", ["?", "*", "-1", "None", "unknown", " ", "-", "null"])
def test_dimensions_whose_name_says_nothing(name: str) -> None:
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[n,m] x) => (float[n,m] y) { y = Neg(x) }'
    )
    for entry in (model.graph.input[0], model.graph.output[0]):
        for dim in entry.type.tensor_type.shape.dim[:1]:
            dim.dim_param = name
    make_plain(model, FILE)
    for entry in (model.graph.input[0], model.graph.output[0]):
        assert [dim.WhichOneof("value") for dim in entry.type.tensor_type.shape.dim] == [None, "dim_param"]


def test_a_name_that_is_a_number_is_a_size() -> None:
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[n,m,k,l] x) => (float[n,m,k,l] y) { y = Neg(x) }'
    )
    for dim, name in zip(model.graph.input[0].type.tensor_type.shape.dim, ("64", " 3 ", "0", "64k")):
        dim.dim_param = name
    make_plain(model, FILE)
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [getattr(dim, dim.WhichOneof("value") or "", None) for dim in shape] == [64, 3, None, "64k"]


def test_dimensions_below_zero_are_dynamic_also_inside_of_sequences_and_bodies() -> None:
    model = parser.parse_model(
        f"""{HEAD} g (float[n] x, bool c) => (float[n] y) <seq(float[5]) s, float[5] v> {{
            s = SequenceConstruct(x)  v = Neg(x)
            y = If(c) <then_branch = t () => (float[5] o) {{ o = Abs(x) }},
                       else_branch = e () => (float[5] p) {{ p = Neg(x) }}>
        }}"""
    )
    bodies = [attribute.g for attribute in model.graph.node[2].attribute]
    sequence = model.graph.value_info[0].type.sequence_type.elem_type
    types = [sequence, model.graph.value_info[1].type, *(body.output[0].type for body in bodies)]
    for kind in types:
        kind.tensor_type.shape.dim[0].dim_value = -3
    make_plain(model, FILE)
    assert [kind.tensor_type.shape.dim[0].WhichOneof("value") for kind in types] == [None] * 4


def test_dimensions_that_no_tensor_has() -> None:
    with pytest.raises(
        UserError, match=r"^some.onnx: value 'x' has a dimension of 2147483648: expected at most 2147483647$"
    ):
        plain('<ir_version: 8, opset_import: ["" : 17]> g (float[2147483648] x) => (float[n] y) { y = Neg(x) }')
