"""Which operators of a kernel need which: by its ONNX graph, not by the kernel as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from onnx import AttributeProto, GraphProto, NodeProto, load_model_from_string


@dataclass(frozen=True)
class KernelNeeds:
    """For each node of a kernel's graph its operator, and the nodes and the values outside of it that it needs; for
    each value that the kernel makes the nodes and the values that give it."""

    operators: Sequence[str]
    nodes: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]
    outputs: Mapping[int, tuple[tuple[int, ...], tuple[int, ...]]]


def kernel_needs(model: bytes, inputs: Sequence[int], outputs: Sequence[int]) -> KernelNeeds:
    """What the nodes of a kernel need that reads the values `inputs` and makes the values `outputs`.

    A node in a body counts as its outermost node; constants are always there.
    """
    graph = load_model_from_string(model).graph
    values = {f"v{slot}": slot for slot in inputs}
    makers: dict[str, int] = {}
    nodes: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for number, node in enumerate(graph.node):
        nodes.append(_needs(_reads(node), makers, values))
        makers.update((name, number) for name in node.output if name)
    return KernelNeeds(
        [node.op_type for node in graph.node], nodes, {slot: _needs([f"v{slot}"], makers, values) for slot in outputs}
    )


def _needs(
    names: Sequence[str], makers: Mapping[str, int], values: Mapping[str, int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    made = {makers[name] for name in names if name in makers}
    read = {values[name] for name in names if name in values and name not in makers}
    return tuple(sorted(made)), tuple(sorted(read))


def _reads(node: NodeProto) -> list[str]:
    """The names that a node reads, in its bodies too."""
    names = list(node.input)
    for graph in _bodies(node):
        names += [name for inner in graph.node for name in _reads(inner)]
        names += [value.name for value in graph.output]
    return names


def _bodies(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == AttributeProto.GRAPHS:
            yield from attribute.graphs
