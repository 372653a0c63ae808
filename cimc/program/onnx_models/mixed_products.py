"""Finds products of uint8 by int8 in kernels: ONNX Runtime saturates them on some processors (N20 in docs/numerics.md).

The compiler writes none; programs of earlier versions and of others may have some.
"""

from collections.abc import Iterator, Mapping

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, shape_inference

from cimc.program.onnx_models.inference import FatalShapes, all_nodes, infer

_FACTORS: Mapping[str, tuple[tuple[int | None, int], ...]] = {
    "MatMulInteger": ((0, 1),),
    "ConvInteger": ((0, 1),),
    "QLinearMatMul": ((0, 3),),
    "QLinearConv": ((0, 3),),
    "QGemm": ((0, 3),),
    "MatMulIntegerToFloat": ((0, 1),),
    "QAttention": ((0, 1),),
    "DynamicQuantizeMatMul": ((None, 1),),
    "DynamicQuantizeLSTM": ((None, 1), (None, 2)),
}
"""Which inputs of an operator are multiplied; None for uint8 that it makes of floats itself."""
_MIXED = {TensorProto.UINT8, TensorProto.INT8}


def mixed_product(model: ModelProto) -> str | None:
    """The first node that multiplies uint8 by int8, as `node 'a' (MatMulInteger)`; None if there is none.

    A type that neither the graph nor shape inference tells counts as the other factor's.
    """
    if not any(node.op_type in _FACTORS for node in all_nodes(model.graph.node)):
        return None
    try:
        graph = infer(model, strict=False).graph
    except (FatalShapes, shape_inference.InferenceError):
        graph = model.graph  # ONNX Runtime will refuse it, or knows better
    return next((f"node {node.name!r} ({node.op_type})" for node in _mixed(graph, {})), None)


def _mixed(graph: GraphProto, outside: Mapping[str, int]) -> Iterator[NodeProto]:
    values = (*graph.input, *graph.value_info, *graph.output)
    types = {**outside, **{entry.name: entry.type.tensor_type.elem_type for entry in values}}
    types |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    for node in graph.node:
        for pair in _FACTORS.get(node.op_type, ()):
            elements = {TensorProto.UINT8 if i is None else types.get(node.input[i]) for i in pair}
            if elements == _MIXED:
                yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _mixed(attribute.g, types)
