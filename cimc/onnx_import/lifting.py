"""Lifts float16 and bfloat16 networks to float32, so that every value is rounded at the same places everywhere.

ONNX Runtime computes most operators of such networks in float32 and rounds, or not, depending on what stands beside
them. Lifted networks leave nothing to that: values are float32 throughout, and rounded only where the network says so
(`Cast`), and where they come in and go out. A bfloat16 input or output is float32 that holds bfloat16 values, because
numpy has no bfloat16.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    TypeProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

from cimc.onnx_import.graph_checks import domain_of, subgraphs
from cimc.onnx_import.tensors import Array, array_of
from dialects.errors import UserError
from dialects.mapped_memory import mapping_of, release
from dialects.weights import Remake

FLOAT = TensorProto.FLOAT
LIFTED: dict[int, str] = {TensorProto.FLOAT16: "float16", TensorProto.BFLOAT16: "bfloat16"}
_TYPE_ATTRIBUTES = ("to", "dtype", "output_dtype", "precision", "softmax_precision", "stash_type")
"""Attributes that hold an element type as a number."""


def lifted_types(model: ModelProto, constants: dict[str, Array]) -> list[str]:
    """The names of the types, float16 and bfloat16, that `lift` would take out of `model`; none if it is lifted."""
    elements = set(_elements(model.graph))
    elements |= {TensorProto.FLOAT16 for array in constants.values() if array.dtype == np.float16}
    if TensorProto.BFLOAT16 not in elements and not constants.keys() & _halves(model.graph) and _is_lifted(model.graph):
        return []
    return [name for element, name in LIFTED.items() if element in elements]


def _is_lifted(graph: GraphProto) -> bool:
    """Whether float16 numbers only come in, go out, and are cast."""
    halves = _halves(graph)
    others = [node for node in graph.node if node.op_type != "Cast" or domain_of(node.domain)]
    speaks = any(element in LIFTED for node in others for element in _named_elements(node))
    constants = any(element in LIFTED for element in _constant_elements(graph))
    return not speaks and not constants and not any(name in halves for node in others for name in _reads(node))


def _halves(graph: GraphProto) -> set[str]:
    """The float16 inputs, and what is cast to float16."""
    inputs = {entry.name for entry in graph.input if entry.type.tensor_type.elem_type == TensorProto.FLOAT16}
    casts = [node for node in graph.node if node.op_type == "Cast" and set(_named_elements(node)) & LIFTED.keys()]
    return inputs.union(*(node.output for node in casts))


def _reads(node: NodeProto) -> Iterator[str]:
    """The names that a node and its bodies use."""
    yield from node.input
    for body in subgraphs(node):
        yield from (entry.name for entry in body.output)
        yield from (name for inner in body.node for name in _reads(inner))


@dataclass(frozen=True)
class LiftedConstants(Mapping[str, Array]):
    """Constants by name, float32 where `original` has float16 or bfloat16: made when they are asked for."""

    original: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        array = self.original[name]
        if array.dtype != np.float16 and array.dtype.name != "bfloat16":
            return array
        lifted: npt.NDArray[np.float32] = array.astype(np.float32)
        release(mapping_of(array))
        return lifted

    def __contains__(self, name: object) -> bool:
        return name in self.original

    def __iter__(self) -> Iterator[str]:
        return iter(self.original)

    def __len__(self) -> int:
        return len(self.original)

    def again(self, name: str) -> Remake | None:
        """What makes a constant once more; None where that would keep it, or its original, in memory."""
        return None if mapping_of(self.original[name]) is None else partial(self.__getitem__, name)


def lift(model: ModelProto, constants: Collection[str], file: Path) -> None:
    """Rewrite `model`, whose functions are inlined, in place (N16); its initializers are named in `constants`.

    float16 inputs and outputs keep their type: a `Cast` follows or precedes them (N17). A `Cast` of the network's own
    stays (N18). Raises UserError for `BitCast`, which asks for the bits of a number (N19).
    """
    renamed: dict[str, str] = {}
    graph = model.graph
    first = [node for entry in graph.input if entry.name not in constants for node in _input_casts(entry, renamed)]
    given = {entry.name for entry in graph.input}
    last = [node for entry in graph.output if entry.name not in given for node in _output_casts(entry, renamed)]
    for entry in graph.input:
        if entry.name in constants:
            _lift_type(entry.type)
    _lift_graph(graph, renamed, file)
    nodes = [*first, *graph.node, *last]
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    del graph.value_info[:]


def _elements(graph: GraphProto) -> Iterator[int]:
    """The element types that a graph speaks of."""
    yield from (entry.type.tensor_type.elem_type for entry in (*graph.input, *graph.output))
    yield from _constant_elements(graph)
    for node in graph.node:
        yield from _named_elements(node)


def _constant_elements(graph: GraphProto) -> Iterator[int]:
    yield from (tensor.data_type for tensor in graph.initializer)
    yield from (sparse.values.data_type for sparse in graph.sparse_initializer)


def _named_elements(node: NodeProto) -> Iterator[int]:
    """The element types that the attributes of a node name, those in its bodies included."""
    for attribute in node.attribute:
        yield attribute.i if attribute.name in _TYPE_ATTRIBUTES else attribute.t.data_type
    for body in subgraphs(node):
        yield from _elements(body)


def _input_casts(entry: ValueInfoProto, renamed: dict[str, str]) -> list[NodeProto]:
    """What makes float32 of an input; everything else in the graph uses that under its new name."""
    element = entry.type.tensor_type.elem_type
    if element not in LIFTED:
        return []
    renamed[entry.name] = f"{entry.name} as float32"
    if element == TensorProto.FLOAT16:
        return [_cast(entry.name, renamed[entry.name], FLOAT)]
    entry.type.tensor_type.elem_type = FLOAT
    return _rounding(entry.name, renamed[entry.name], element, entry.name)


def _output_casts(entry: ValueInfoProto, renamed: dict[str, str]) -> list[NodeProto]:
    """What rounds an output; whoever else uses its value gets it before that."""
    element = entry.type.tensor_type.elem_type
    if element not in LIFTED:
        return []
    inside = renamed.setdefault(entry.name, f"{entry.name} as float32")
    if element == TensorProto.FLOAT16:
        return [_cast(inside, entry.name, element)]
    entry.type.tensor_type.elem_type = FLOAT
    return _rounding(inside, entry.name, element, entry.name)


def _lift_graph(graph: GraphProto, renamed: dict[str, str], file: Path) -> None:
    """Nodes and initializers of a graph and of the bodies inside."""
    for tensor in graph.initializer:
        _lift_tensor(tensor, file)
    for sparse in graph.sparse_initializer:
        _lift_tensor(sparse.values, file)
    nodes: list[NodeProto] = []
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
        for body in subgraphs(node):
            for entry in (*body.input, *body.output):
                _lift_type(entry.type)
                entry.name = renamed.get(entry.name, entry.name)
            del body.value_info[:]
            _lift_graph(body, renamed, file)
        nodes += _lifted_node(node, file)
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _lifted_node(node: NodeProto, file: Path) -> list[NodeProto]:
    if node.op_type == "BitCast" and not domain_of(node.domain):
        raise UserError(f"{file}: node {node.name!r} (BitCast) takes the bits of numbers apart, which float32 changes")
    if node.op_type == "Cast" and not domain_of(node.domain):
        to = next((a.i for a in node.attribute if a.name == "to"), FLOAT)
        return _rounding(node.input[0], node.output[0], to, node.name) if to in LIFTED else [node]
    for attribute in node.attribute:
        if attribute.name in _TYPE_ATTRIBUTES and attribute.type == AttributeProto.INT and attribute.i in LIFTED:
            attribute.i = FLOAT
        if attribute.type == AttributeProto.TENSOR:
            _lift_tensor(attribute.t, file)
        if attribute.type == AttributeProto.TYPE_PROTO:
            _lift_type(attribute.tp)
    return [node]


def _lift_type(value_type: TypeProto) -> None:
    """Replace the element type of a tensor, or of the tensors in a sequence or an optional."""
    if value_type.HasField("sequence_type"):
        _lift_type(value_type.sequence_type.elem_type)
    elif value_type.HasField("optional_type"):
        _lift_type(value_type.optional_type.elem_type)
    elif value_type.HasField("tensor_type") and value_type.tensor_type.elem_type in LIFTED:
        value_type.tensor_type.elem_type = FLOAT


def _lift_tensor(tensor: TensorProto, file: Path) -> None:
    if tensor.data_type in LIFTED:
        tensor.CopyFrom(numpy_helper.from_array(array_of(tensor, file).astype(np.float32), tensor.name))


def _cast(x: str, y: str, to: int) -> NodeProto:
    return helper.make_node("Cast", [x], [y], name=f"{x} to {y}", to=to)


def _rounding(x: str, y: str, to: int, node: str) -> list[NodeProto]:
    """`y`, float32, is `x` rounded to the type `to`."""
    between = f"{y} as {LIFTED[to]}"
    return [
        helper.make_node("Cast", [x], [between], name=node, to=to),
        helper.make_node("Cast", [between], [y], name=f"{node} as float32", to=FLOAT),
    ]
