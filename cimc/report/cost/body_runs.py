"""The shapes that nodes in bodies of control flow have in a run, each time they run: ONNX Runtime's profile tells."""

import contextlib
import json
import re
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from onnx import AttributeProto, GraphProto, NodeProto

from passes.analysis.cost.multiply_accumulates import weight_operands

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = tuple[tuple[Shape, ...], tuple[Shape, ...]]
"""Of the inputs and outputs of a node, in ONNX's order."""
Bodies: TypeAlias = Mapping[int, tuple[Shapes, ...]]
"""The shapes of each run of a node in a body, by its number among the `nested_nodes` of its graph."""
LEFT_OUT: Shape = (0,)
"""The shape of an optional input that is left out, and of what is no tensor."""
_NAME = "nested node "


def bodies_of(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs inside of a node."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == AttributeProto.GRAPHS:
            yield from attribute.graphs


def nested_nodes(graph: GraphProto, depth: int = 0) -> Iterator[NodeProto]:
    """The nodes of all bodies in a graph, at any depth: each before those of its own bodies."""
    for node in graph.node:
        if depth:
            yield node
        for body in bodies_of(node):
            yield from nested_nodes(body, depth + 1)


def joined(before: Bodies, then: Bodies) -> Bodies:
    """The runs of both."""
    return {number: (*before.get(number, ()), *then.get(number, ())) for number in {*before, *then}}


class BodyWatch:
    """Renames the nodes in the bodies of a graph, so that a profile tells them apart."""

    def __init__(self, graph: GraphProto) -> None:
        self.nodes = list(nested_nodes(graph))
        self.names = [node.name for node in self.nodes]
        self.watched = {
            number: node
            for number, node in enumerate(self.nodes)
            if weight_operands(node.op_type, node.domain, len(node.input))
        }
        for number, node in enumerate(self.nodes):
            node.name = f"{_NAME}{number}"

    @contextlib.contextmanager
    def profile(self) -> Generator[str | None]:
        """What the file of a profile begins with; None where there is nothing to watch."""
        if not self.watched:
            yield None
            return
        with tempfile.TemporaryDirectory(prefix="cimc-") as folder:
            yield f"{folder}/profile"

    def seen(self, profile: str) -> Bodies:
        """The runs of each node that multiplies, from the file of a profile."""
        runs: dict[int, list[Shapes]] = {}
        for event in json.loads(Path(profile).read_text(encoding="utf-8", errors="replace")):
            match = re.fullmatch(rf"{_NAME}(\d+)_kernel_time", event["name"])
            number = -1 if match is None else int(match[1])
            if number in self.watched:
                node, told = self.watched[number], event["args"]
                inputs, outputs = told["input_type_shape"], told["output_type_shape"]
                runs.setdefault(number, []).append((_shapes(node.input, inputs), _shapes(node.output, outputs)))
        return {number: tuple(shapes) for number, shapes in runs.items()}

    def with_names(self, text: str) -> str:
        """A text of ONNX Runtime with the names that the nodes had."""
        return re.sub(rf"{_NAME}(\d+)", lambda match: self.names[int(match[1])], text)


def _shapes(names: Sequence[str], told: Sequence[Mapping[str, Any]]) -> tuple[Shape, ...]:
    """The shapes of tensors in the order of their names; a profile leaves out what is left out."""
    shapes = (tuple(next(iter(tensor.values()))) for tensor in told)
    return tuple(next(shapes, LEFT_OUT) if name else LEFT_OUT for name in names)
