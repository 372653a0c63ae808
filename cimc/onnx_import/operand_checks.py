"""Refuses operands that ONNX allows and ONNX Runtime only refuses when the network runs, or dies of."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from onnx import GraphProto, NodeProto

from cimc.onnx_import.graph_checks import subgraphs
from cimc.onnx_import.node_checks import described
from cimc.onnx_import.ranks import Dims, dims_of
from cimc.program.onnx_models.inference import all_nodes
from dialects.errors import UserError

_PER_TENSOR: Mapping[str, Mapping[int, str]] = {
    "MatMulInteger": {2: "zero point of its left operand"},
    "QLinearMatMul": {
        1: "scale of its left operand",
        2: "zero point of its left operand",
        6: "scale of its result",
        7: "zero point of its result",
    },
    "ConvInteger": {2: "zero point of its input"},
    "QLinearConv": {1: "scale of its input", 2: "zero point of its input", 6: "scale of its result",
                    7: "zero point of its result"},
}  # fmt: skip
"""Scales and zero points that have to be one number: ONNX allows one for each row."""
_PER_COLUMN: Mapping[str, Mapping[int, tuple[int, str]]] = {
    "MatMulInteger": {3: (1, "zero point of its right operand")},
    "QLinearMatMul": {4: (3, "scale of its right operand"), 5: (3, "zero point of its right operand")},
}
"""Scales and zero points of matrices that may be one number for each column, with the matrix's place."""
_NOT_EMPTY: Mapping[str, int] = {"ConvTranspose": 0, "GRU": 0, "LSTM": 0, "STFT": 2, "Unique": 0}
"""Operators that end the process where this input has no elements."""


def check_operands(graph: GraphProto, file: Path) -> None:
    """UserError for scales and zero points of a form that cannot run, in bodies too."""
    operators = {node.op_type for node in all_nodes(graph.node)}
    if not operators.isdisjoint(_PER_TENSOR.keys() | _PER_COLUMN.keys() | _NOT_EMPTY.keys()):
        _check(graph, file, {})


def _check(graph: GraphProto, file: Path, around: Mapping[str, Dims]) -> None:
    """`around` are the shapes that are known outside of the graph."""
    shapes = dict(around)
    shapes |= {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    entries = (*graph.input, *graph.value_info, *graph.output)
    shapes |= {entry.name: dims for entry in entries if (dims := dims_of(entry.type)) is not None}
    for node in graph.node:
        if not node.domain:
            for reason in _wrong(node, shapes):
                raise UserError(f"{file}: {described(node)} {reason}")
        for body in subgraphs(node):
            _check(body, file, shapes)


def _wrong(node: NodeProto, shapes: Mapping[str, Dims]) -> Iterator[str]:
    for index, operand in _PER_TENSOR.get(node.op_type, {}).items():
        shape = _shape(node, index, shapes)
        if shape is not None and (len(shape) > 1 or any(size not in (1, None) for size in shape)):
            yield f"has a {operand} of shape {_text(shape)}, which ONNX Runtime cannot run: expected one number"
    for index, (of, operand) in _PER_COLUMN.get(node.op_type, {}).items():
        shape, matrix = _shape(node, index, shapes), _shape(node, of, shapes)
        if shape is None or matrix is None or len(shape) != 1 or not matrix:
            continue
        if None not in (shape[0], matrix[-1]) and shape[0] not in (1, matrix[-1]):
            expected = f"one number, or one for each of {matrix[-1]} columns"
            yield f"has a {operand} of shape {_text(shape)}: expected {expected}"
    empty = _shape(node, _NOT_EMPTY[node.op_type], shapes) if node.op_type in _NOT_EMPTY else None
    if empty is not None and 0 in empty:
        yield f"has an input of shape {_text(empty)}, which ONNX Runtime cannot run: expected at least one element"


def _shape(node: NodeProto, index: int, shapes: Mapping[str, Dims]) -> Dims | None:
    return shapes.get(node.input[index]) if index < len(node.input) and node.input[index] else None


def _text(shape: Dims) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)
