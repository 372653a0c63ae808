"""Goes through ONNX models: every tensor at any depth, and how large a model is once its functions are expanded."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from onnx import GraphProto, ModelProto, NodeProto, TensorProto

MOST_NODES = 1 << 20
"""Nodes of a network once the calls of its own functions are expanded."""


def tensors_of(message: Message) -> Iterator[TensorProto]:
    """Every tensor inside of `message`, wherever ONNX's format may hold one: attributes, bodies, functions and all."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if isinstance(part, TensorProto):
            yield part
        for name, several in _ways_to_tensors(type(part).DESCRIPTOR):
            inner: Any = getattr(part, name)
            if several:
                waiting.extend(inner)
            elif part.HasField(name):
                waiting.append(inner)


def location_of(tensor: TensorProto) -> str | None:
    """Where a tensor says that its numbers are, "" if it does not say; None for one that holds them itself."""
    if tensor.data_location != TensorProto.EXTERNAL and not tensor.external_data:
        return None
    return next((entry.value for entry in tensor.external_data if entry.key == "location"), "")


def expanded_nodes(model: ModelProto) -> int:
    """How many nodes a model has after each call of one of its own functions gave way to the nodes of that function.

    ValueError for functions that call each other in a circle.
    """
    calls = {(_domain(f.domain), f.name, f.overload): list(_keys(f.node)) for f in model.functions}
    sizes: dict[tuple[str, str, str], int] = {}
    for start in calls:
        waiting, open_calls = [start], set[tuple[str, str, str]]()
        while waiting:
            key = waiting[-1]
            missing = [called for called in calls[key] if called in calls and called not in sizes]
            if not missing or key in sizes:
                sizes.setdefault(key, sum(sizes.get(called, 1) for called in calls[key]))
                open_calls.discard(waiting.pop())
            elif key in open_calls:
                raise ValueError(f"function {key[1]!r} calls itself")
            else:
                open_calls.add(key)
                waiting += dict.fromkeys(missing)
    return sum(sizes.get(key, 1) for key in _keys(model.graph.node))


@cache
def _ways_to_tensors(descriptor: Descriptor) -> tuple[tuple[str, bool], ...]:
    """The fields of a kind of message that lead to tensors, and whether each may hold several messages."""
    return tuple((field.name, field.is_repeated) for field in descriptor.fields if _leads(field.message_type, set()))


def _leads(descriptor: Descriptor | None, seen: set[str]) -> bool:
    """Whether messages of a kind can hold tensors."""
    if descriptor is None or descriptor.full_name in seen:
        return False
    seen.add(descriptor.full_name)
    return descriptor is TensorProto.DESCRIPTOR or any(_leads(field.message_type, seen) for field in descriptor.fields)


def _keys(nodes: Iterable[NodeProto]) -> Iterator[tuple[str, str, str]]:
    """What each node calls, if that is a function; nodes of bodies included."""
    waiting: list[NodeProto] = list(nodes)
    while waiting:
        node = waiting.pop()
        yield _domain(node.domain), node.op_type, node.overload
        for attribute in node.attribute:
            graphs: list[GraphProto] = [attribute.g, *attribute.graphs]
            waiting.extend(inner for graph in graphs for inner in graph.node)


def _domain(name: str) -> str:
    """A domain under its short name: ONNX's own has two."""
    return "" if name == "ai.onnx" else name
