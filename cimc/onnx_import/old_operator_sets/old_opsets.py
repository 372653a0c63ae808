"""Lifts networks of operator sets 7 to 10 to operator set 11, with the same bits in ONNX Runtime.

Most operators are the same in 11. Those that are not, attributes that became inputs above all, have an adapter in
`old_operators.py` or `old_scan.py`.
"""

from collections.abc import Iterator
from pathlib import Path

from onnx import GraphProto, ModelProto, NodeProto, TensorProto
from onnx.shape_inference import InferenceError

from cimc.onnx_import.graph_checks import domain_of, subgraphs
from cimc.onnx_import.old_operator_sets.old_operators import ADAPTERS, Rewriter
from cimc.onnx_import.old_operator_sets.old_scan import adapt_scan
from cimc.program.onnx_models.inference import FatalShapes, all_nodes, infer
from dialects.errors import UserError
from dialects.semantics.graph_names import GraphNames

LIFTED_TO = 11


def lift_operator_set(model: ModelProto, file: Path) -> None:
    """Rewrite `model`, of an operator set below 11 and with its functions inlined, in place.

    Its nodes fit their operator set. Raises UserError, naming the node, for what cannot be lifted.
    """
    opset = next(entry for entry in model.opset_import if not domain_of(entry.domain))
    names = GraphNames()
    for name in _names(model.graph):
        names.reserve(name)
    for node in all_nodes(model.graph.node):
        names.node(node.name)
    rewriter = Rewriter(file, opset.version, _elements(model), names)
    _lift_graph(model.graph, rewriter)
    opset.version = LIFTED_TO


def _lift_graph(graph: GraphProto, rewriter: Rewriter) -> None:
    nodes: list[NodeProto] = []
    for node in graph.node:
        for body in subgraphs(node):
            _lift_graph(body, rewriter)
        nodes += _lifted_node(node, rewriter)
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _lifted_node(node: NodeProto, rewriter: Rewriter) -> list[NodeProto]:
    adapt = None if domain_of(node.domain) else ADAPTERS.get(node.op_type)
    if node.op_type == "Scan" and not domain_of(node.domain) and rewriter.opset < 9:
        adapt = adapt_scan
    if adapt is None:
        return [node]
    try:
        rewriter.begin(node)
        adapt(rewriter)
    except KeyError as error:
        subject = f"{rewriter.file}: node {node.name!r} ({node.op_type})"
        raise UserError(f"{subject} has no attribute {error}, which operator set {rewriter.opset} wants") from error
    return rewriter.nodes


def _names(graph: GraphProto) -> Iterator[str]:
    """All names of values, those in bodies included."""
    yield from (entry.name for entry in (*graph.input, *graph.output, *graph.value_info, *graph.initializer))
    for node in graph.node:
        yield from node.input
        yield from node.output
        for body in subgraphs(node):
            yield from _names(body)


def _elements(model: ModelProto) -> dict[str, int]:
    """The element types of values by name, as far as ONNX infers them."""
    try:
        inferred = infer(model, strict=False)
    except (InferenceError, FatalShapes):
        inferred = model
    elements: dict[str, int] = {}
    graphs = [inferred.graph]
    while graphs:
        graph = graphs.pop()
        for entry in (*graph.input, *graph.value_info, *graph.output):
            if entry.type.tensor_type.elem_type != TensorProto.UNDEFINED:
                elements[entry.name] = entry.type.tensor_type.elem_type
        elements |= {tensor.name: tensor.data_type for tensor in graph.initializer}
        graphs += [body for node in graph.node for body in subgraphs(node)]
    return elements
