"""Shape inference: in a process of its own where it might end this one."""

import pytest
from onnx import parser
from onnx.shape_inference import InferenceError

from cimc.program.onnx_models.inference import first_fatal, infer, may_end_the_process

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


ELSEWHERE = "e = Expand(x, s) c = Slice(e, s, s)"
"""Operators for which inference goes to another process."""


@pytest.mark.parametrize("more", ["", ELSEWHERE])
def test_numbers_that_are_computed_from_shapes_are_followed(more: str) -> None:
    text = (
        f"{HEAD} g (float[5,4] x, int64[2] s) => (float[m,k] y) {{ t = Shape(x) h = Expand(x, t) y = Neg(h) {more} }}"
    )
    inferred = infer(parser.parse_model(text), strict=False).graph.value_info
    (shape,) = (value.type.tensor_type.shape for value in inferred if value.name == "h")
    assert [dim.dim_value for dim in shape.dim] == [5, 4]


@pytest.mark.parametrize("more", ["", ELSEWHERE])
def test_shapes_that_do_not_fit(more: str) -> None:
    """They are a mistake only where inference is strict."""
    text = f"{HEAD} g (float[5,4] x, int64[2] s) => (float[m,k] y) {{ h = MatMul(x, x) y = Neg(h) {more} }}"
    model = parser.parse_model(text)
    assert infer(model, strict=False).graph.output[0].name == "y"
    with pytest.raises(InferenceError, match="Incompatible dimensions"):
        infer(model, strict=True)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_models_of_which_none_is_fatal(count: int) -> None:
    """Each has one answer, whatever the lengths of the others."""
    graph = f"{HEAD} g (float[5,4] x, int64[2] s) => (float[m,k] %s) {{ {ELSEWHERE} %s = Neg(c) }}"
    models = [parser.parse_model(graph.replace("%s", name)).SerializeToString() for name in ("y", "output")]
    assert first_fatal([models[i % 2] for i in range(count)]) is None
