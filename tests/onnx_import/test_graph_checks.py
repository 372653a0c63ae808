"""Order, names and arities of nodes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import parser

from cimc.hardware.library import load_chip
from cimc.onnx_import.graph_checks import name_nodes, sort_nodes
from cimc.onnx_import.importer import import_onnx
from cimc.universe import make_context
from dialects.errors import UserError

Write = Callable[..., Path]

WRONG = {
    "MatMul(x)": "node 'y' (MatMul) has 1 inputs, expected 2",
    "Gemm(x)": "node 'y' (Gemm) has 1 inputs, expected 2 to 3",
    "Concat<axis=0>()": "node 'y' (Concat) has 0 inputs, expected at least 1",
    "Cast(x)": "node 'y' (Cast) has no attribute 'to', which its operator needs",
    "Neg(q)": "node 'y' (Neg) uses 'q', which is given by no node, input or initializer before it",
    "my.Frob(x)": "node 'y' (Frob) is of domain 'my', of which the file imports no operator set",
    "Neg(x) x = Neg(y)": "node 'x' (Neg) gives 'x', which is given before: expected a new name",
    "Neg(x) z, y = Dropout(x)": "node 'z' (Dropout) gives 'y', which is given before: expected a new name",
    "Add(x, h) h = Neg(y)": "node 'h' (Neg) uses 'y', which is given by no node, input or initializer before it",
}


@pytest.mark.parametrize("nodes", WRONG)
def test_wrong_nodes(nodes: str, onnx_file: Write) -> None:
    file = onnx_file(f"g (float[n,4] x) => (float[n,4] y) {{ y = {nodes} }}")
    with pytest.raises(UserError) as error:
        import_onnx(make_context(), file, load_chip("tiny-4"))
    assert str(error.value) == f"{file}: {WRONG[nodes]}"


def test_inputs_that_nobody_gives_are_told_before_shapes_are_inferred(onnx_file: Write) -> None:
    """Inference of ONNX's operators for machine learning ends the process for one."""
    text = "g (float[n] x) => (int64[n] y) { y = ai.onnx.ml.LabelEncoder(q) }"
    with pytest.raises(UserError, match=r"node 'y' \(LabelEncoder\) uses 'q', which is given by no node"):
        import_onnx(make_context(), onnx_file(text, domains=', "ai.onnx.ml" : 4'), load_chip("tiny-4"))


def test_names_of_another_body_are_not_seen(onnx_file: Write) -> None:
    text = """g (float[n] x, bool c) => (float[n] y) {
        y = If(c) <then_branch = t () => (float[n] o) { p = Neg(x)  o = Neg(p) },
                   else_branch = e () => (float[n] q) { q = Neg(p) }> }"""
    with pytest.raises(UserError, match=r"node 'q' \(Neg\) uses 'p', which is given by no node"):
        import_onnx(make_context(), onnx_file(text), load_chip("tiny-4"))


def test_output_that_nobody_gives(onnx_file: Write) -> None:
    file = onnx_file("g (float[n] x) => (float[n] y) { z = Neg(x) }")
    with pytest.raises(UserError, match="output 'y' is given by no node, input or initializer"):
        import_onnx(make_context(), file, load_chip("tiny-4"))


def test_nodes_are_sorted_also_in_bodies() -> None:
    graph = parser.parse_graph(
        """g (float[n] x, bool c) => (float[n] y) {
            y = Add(b, d)
            d = If(c) <then_branch = t () => (float[n] o) { o = Neg(p)  p = Neg(b) },
                       else_branch = e () => (float[n] q) { q = Neg(a) }>
            b = Neg(a)
            a = Neg(x)
        }"""
    )
    sort_nodes(graph)
    assert [node.output[0] for node in graph.node] == ["a", "b", "d", "y"]
    assert [node.output[0] for node in graph.node[2].attribute[0].g.node] == ["p", "o"]


def test_long_chains_are_sorted_without_recursion() -> None:
    count = 3000
    nodes = " ".join(f"v{i} = Neg(v{i + 1})" for i in range(count))
    graph = parser.parse_graph(f"g (float[n] v{count}) => (float[n] v0) {{ {nodes} }}")
    sort_nodes(graph)
    assert [node.output[0] for node in graph.node] == [f"v{i}" for i in reversed(range(count))]


def test_sorted_nodes_stay() -> None:
    graph = parser.parse_graph("g (float[n] x) => (float[n] y) { b = Neg(x)  a = Neg(x)  y = Add(a, b) }")
    before = graph.SerializeToString()
    sort_nodes(graph)
    assert graph.SerializeToString() == before


def test_nodes_get_the_name_of_their_output() -> None:
    graph = parser.parse_graph("g (float[n] x) => (float[n] y) { [own] h = Neg(x)  , m = Dropout(h)  y = Neg(m) }")
    name_nodes(graph)
    assert [node.name for node in graph.node] == ["own", "m", "y"]
