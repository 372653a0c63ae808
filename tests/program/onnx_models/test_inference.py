"""Shape inference: in a process of its own where it might end this one."""

import pytest
from onnx import parser
from onnx.shape_inference import InferenceError

from cimc.program.onnx_models.inference import infer, may_end_the_process

HEAD = '<ir_version: 8, opset_import: ["" : 17]>'


def test_graphs_that_may_end_the_process() -> None:
    head, tail = (
        f"{HEAD} g (float[n,4] x, int64[2] s, int64[2] e) => (float[m,k] y)",
        "{ h = %s(x, s) y = Slice(h, s, e) }",
    )
    assert may_end_the_process(parser.parse_model(f"{head} {tail % 'Expand'}"))
    assert not may_end_the_process(parser.parse_model(f"{head} {tail % 'Reshape'}"))
    assert not may_end_the_process(parser.parse_model(f"{head} {{ y = Expand(x, s) }}"))


@pytest.mark.parametrize("nodes", ["h = Expand(x, s) y = Slice(h, s, e)", "h = Neg(x) y = Slice(h, s, e)"])
def test_both_ways_infer_the_same(nodes: str) -> None:
    model = parser.parse_model(f"{HEAD} g (float[n,4] x, int64[2] s, int64[2] e) => (float[m,k] y) {{ {nodes} }}")
    (value,) = infer(model, strict=True).graph.value_info
    assert value.name == "h"
    assert len(value.type.tensor_type.shape.dim) == 2


def test_what_does_not_fit_is_told_from_the_other_process() -> None:
    nodes = "h = Expand(x, s) k = MatMul(x, x) y = Slice(h, s, s)"
    text = f"{HEAD} g (float[5,4] x, int64[2] s) => (float[m,k] y) {{ {nodes} }}"
    with pytest.raises(InferenceError, match="Incompatible dimensions"):
        infer(parser.parse_model(text), strict=True)
