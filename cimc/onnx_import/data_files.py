"""The files beside an ONNX network that hold its weights, without reading the weights."""

from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto


def data_files(file: Path) -> list[Path]:
    """The files of external data that a network names, at any depth; none if it cannot be read, as its reader tells."""
    try:
        content = file.read_bytes()
        if b"location" not in content:  # the key of a file's name: nearly all networks are done here
            return []
        tensors = list(_tensors(onnx.load_model_from_string(content)))
    except (OSError, DecodeError, ValueError):
        return []
    names = {
        entry.value
        for tensor in tensors
        if tensor.data_location == TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [file.parent / name for name in sorted(names) if "\0" not in name]


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """All tensors of a network, in bodies and functions too."""
    graphs: list[GraphProto] = [model.graph]
    nodes: list[NodeProto] = [node for function in model.functions for node in function.node]
    while graphs or nodes:
        while graphs:
            graph = graphs.pop()
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes += graph.node
        for attribute in nodes.pop().attribute if nodes else ():
            yield from _of_attribute(attribute)
            graphs += [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs


def _of_attribute(attribute: AttributeProto) -> Iterator[TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
        yield from (sparse.values, sparse.indices)
