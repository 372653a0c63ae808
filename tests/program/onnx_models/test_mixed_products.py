"""Products of uint8 by int8 are found in kernels, at any depth and whatever tells the types."""

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper, parser

from cimc.program.onnx_models.mixed_products import mixed_product

HEADER = '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>'


def kernel(text: str) -> ModelProto:
    model = parser.parse_model(f"{HEADER} g {text}")
    model.graph.initializer.append(numpy_helper.from_array(np.ones((2, 2), np.int8), "w"))
    return model


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("(uint8[n,2] x) => (int32[n,2] y) { [a] y = MatMulInteger(x, w) }", "node 'a' (MatMulInteger)"),
        ("(uint8[2,n] x) => (int32[2,n] y) { [a] y = MatMulInteger(w, x) }", "node 'a' (MatMulInteger)"),
        ("(uint8[n,2] x) => (int32[n,2] y) { z = Neg(w) [a] y = MatMulInteger(x, z) }", "node 'a' (MatMulInteger)"),
        ("(int8[n,2] x) => (int32[n,2] y) { y = MatMulInteger(x, w) }", None),
        ("(uint8[n,2] x, uint8[2,2] u) => (int32[n,2] y) { y = MatMulInteger(x, u) }", None),
        (
            "(float[n,2] x, float s) => (float[n,2] y) { [a] y = com.microsoft.DynamicQuantizeMatMul(x, w, s) }",
            "node 'a' (DynamicQuantizeMatMul)",
        ),
        ("(float[n,2] x) => (float[n,2] y) { y = Neg(x) }", None),
    ],
)
def test_mixed_products(text: str, node: str | None) -> None:  # N20
    assert mixed_product(kernel(text)) == node


def test_in_a_body() -> None:
    body = kernel("() => (int32[n,2] y) { [inner] y = MatMulInteger(x, w) }").graph
    del body.initializer[:]
    model = kernel("(uint8[n,2] x, bool c) => (int32[n,2] z) { z = Cast<to=6>(x) }")
    node = helper.make_node("If", ["c"], ["z"], then_branch=body, else_branch=body)
    del model.graph.node[:]
    model.graph.node.append(node)
    assert model.graph.output[0].type.tensor_type.elem_type == TensorProto.INT32
    assert mixed_product(model) == "node 'inner' (MatMulInteger)"
