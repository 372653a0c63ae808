"""Ranks that follow from the length of a shape, or from what an operator can only take."""

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper, parser, shape_inference

from cimc.onnx_import.ranks import Dims, dims_of, open_ranks


def inferred(nodes: str, opset: int = 11, **constants: int | list[int]) -> dict[str, Dims]:
    """What is found of `nodes`, given `x` and `s`, a shape of four numbers, after ONNX's own inference."""
    text = f"""<ir_version: 8, opset_import: ["" : {opset}]>
        g (float x, float[a,b,32] r, int64[4] s, int64[m] l, float[8,32,1,1] w) => (float y) {{ {nodes} }}"""
    model: ModelProto = parser.parse_model(text)
    for entry in (model.graph.input[0], model.graph.output[0]):
        entry.type.tensor_type.ClearField("shape")
    model.graph.initializer.extend(numpy_helper.from_array(np.array(a, np.int64), n) for n, a in constants.items())
    return open_ranks(shape_inference.infer_shapes(model, data_prop=True).graph)


@pytest.mark.parametrize(
    ("nodes", "dims"),
    [
        ("y = Reshape(x, s)", (None,) * 4),
        ("y = Tile(x, s)", (None,) * 4),
        ("y = Flatten(x)", (None,) * 2),
        ("y = Transpose<perm = [1, 0, 2]>(x)", (None,) * 3),
        ('y = Einsum<equation = "ab, bc -> ac">(x, x)', (None,) * 2),
    ],
)
def test_ranks_from_a_node_s_other_inputs(nodes: str, dims: Dims) -> None:
    opset = 12 if "Einsum" in nodes else 11
    assert inferred(nodes, opset)["y"] == dims


@pytest.mark.parametrize(
    ("nodes", "rank"),
    [
        ("y = Gemm(x, x)", 2),
        ("y = Conv(x, w)", 4),
        ("y = MaxPool<kernel_shape = [2]>(x)", 3),
        ("y = Transpose<perm = [1, 0, 2]>(x)", 3),
        ("k = Relu(x) h = Softmax(k) y = Gemm(h, h)", 2),
        ('y = Einsum<equation = "ab, bc -> ac">(x, x)', 2),
        ("y = LSTM<hidden_size = 3>(x, w, w)", 3),
    ],
)
def test_ranks_that_an_operator_demands(nodes: str, rank: int) -> None:
    opset = 12 if "Einsum" in nodes else 11
    assert inferred(nodes, opset)["x"] == (None,) * rank


def test_sizes_that_are_known_inside_of_a_computed_shape() -> None:
    """As the exporters of opset 11 write heads: `[batch, sequence, 4, 8]`, with 0 for a size that stays."""
    nodes = """
        t = Shape(r)  b = Gather(t, zero)  u = Unsqueeze<axes = [0]>(b)
        k = Concat<axis = 0>(u, zeros, h)  y = Reshape(r, k)"""
    assert inferred(nodes, zero=0, zeros=[0], h=[4, 8])["y"] == (None, None, 4, 8)


def test_what_has_any_rank_stays_open() -> None:
    assert inferred("y = Reshape(x, l)") == {}
    assert inferred("h = Reshape(x, l) y = Add(h, r)") == {}
    assert inferred("h = Reshape(x, s) y = MatMul(x, h)").keys() == {"h"}


def test_graphs_without_open_ranks_are_left_alone() -> None:
    model = parser.parse_model('<ir_version: 8, opset_import: ["" : 17]> g (float[n] x) => (float[n] y) { y = Neg(x) }')
    assert open_ranks(model.graph) == {}
    assert dims_of(model.graph.input[0].type) == (None,)
