"""Brings a model into plain form: names are texts, ONNX's own domain has one name, dimensions say something."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.internal.containers import RepeatedScalarFieldContainer
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TypeProto, ValueInfoProto

from cimc.onnx_import.graph_checks import domain_of, subgraphs
from cimc.onnx_import.tensors import LARGEST_DIMENSION
from dialects.errors import UserError

_NAMELESS = frozenset({"none", "null", "nil", "nan", "unk", "unknown", "undefined"})
"""What exporters call dimensions that they have no name for, beside signs such as `?`."""


def make_plain(model: ModelProto, file: Path) -> None:
    """Bring `model` into plain form, functions and bodies included.

    Raises UserError, naming the value, for dimensions that no tensor can have.
    """
    for entry in model.opset_import:
        entry.domain = domain_of(text(entry.domain))
    for function in model.functions:
        function.name, function.domain = text(function.name), domain_of(text(function.domain))
        for names in (function.input, function.output, function.attribute):
            _make_texts(names)
        for entry in function.opset_import:
            entry.domain = domain_of(text(entry.domain))
        _plain_nodes(function.node, file)
        _plain_values(function.value_info, file)
    _plain_graph(model.graph, file)


def text(name: object) -> str:
    """A name as a text; protobuf gives bytes for one that is not UTF-8, of which each wrong one becomes `\\xff`."""
    return name.decode(errors="backslashreplace") if isinstance(name, bytes) else str(name)


def _are_texts(names: Iterable[object]) -> bool:
    return all(isinstance(name, str) for name in names)


def _make_texts(names: RepeatedScalarFieldContainer[str]) -> None:
    if not _are_texts(names):
        plain = [text(name) for name in names]
        del names[:]
        names.extend(plain)


def _plain_graph(graph: GraphProto, file: Path) -> None:
    graph.name = text(graph.name)
    tensors = [*graph.initializer, *(sparse.values for sparse in graph.sparse_initializer)]
    for tensor in tensors:
        tensor.name = text(tensor.name)
    for entries in (graph.input, graph.output, graph.value_info):
        _plain_values(entries, file)
    _plain_nodes(graph.node, file)


def _plain_nodes(nodes: Iterable[NodeProto], file: Path) -> None:
    for node in nodes:
        if not _are_texts((node.name, node.op_type)):
            node.name, node.op_type = text(node.name), text(node.op_type)
        if node.domain:
            node.domain = domain_of(text(node.domain))
        for names in (node.input, node.output):
            _make_texts(names)
        for attribute in node.attribute:
            if not _are_texts([attribute.name]):
                attribute.name = text(attribute.name)
            if attribute.type == AttributeProto.TYPE_PROTO:
                _plain_type(attribute.tp, f"{file}: node {node.name!r}")
        for body in subgraphs(node):
            _plain_graph(body, file)


def _plain_values(entries: Iterable[ValueInfoProto], file: Path) -> None:
    for entry in entries:
        entry.name = text(entry.name)
        _plain_type(entry.type, f"{file}: value {entry.name!r}")


def _plain_type(value_type: TypeProto, subject: str) -> None:
    """Dimensions below 0, and those whose name is a sign for no name, are dynamic ones without a name.

    A name that is a number above 0 is a size: the exporter of transformers writes heads and their width so.
    """
    for tensor in _tensor_types(value_type):
        for dim in tensor.shape.dim:
            if dim.dim_param and (size := _size(text(dim.dim_param))):
                dim.dim_value = size
            if dim.dim_value > LARGEST_DIMENSION:
                raise UserError(f"{subject} has a dimension of {dim.dim_value}: expected at most {LARGEST_DIMENSION}")
            if dim.dim_value < 0:
                dim.Clear()
            elif dim.dim_param:
                name = text(dim.dim_param)
                dim.dim_param = name
                if not any(letter.isalnum() for letter in name) or _is_nameless(name):
                    dim.Clear()


def _size(name: str) -> int:
    """The size that a name tells; 0 for one that tells none."""
    digits = name.strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= len(str(LARGEST_DIMENSION)) else 0


def _is_nameless(name: str) -> bool:
    return name.strip().casefold() in _NAMELESS or name.strip().lstrip("-").isdecimal()


def _tensor_types(value_type: TypeProto) -> Iterator[TypeProto.Tensor | TypeProto.SparseTensor]:
    """The types of tensors of which a type is made."""
    which = value_type.WhichOneof("value")
    if which == "tensor_type":
        yield value_type.tensor_type
    elif which == "sparse_tensor_type":
        yield value_type.sparse_tensor_type
    elif which == "sequence_type":
        yield from _tensor_types(value_type.sequence_type.elem_type)
    elif which == "optional_type":
        yield from _tensor_types(value_type.optional_type.elem_type)
    elif which == "map_type":
        yield from _tensor_types(value_type.map_type.value_type)
