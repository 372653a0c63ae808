"""Watches values in bodies of control flow: each iteration's least and greatest number, out to the graph's outputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, helper, numpy_helper


@dataclass
class BodyWatch:
    """Adds outputs to a graph for the ranges of values in its bodies, with 0 in them; `names` are those it has made."""

    graph: GraphProto
    names: int = 0

    def add(self, value: str, beside: str) -> tuple[str, str] | None:
        """The names of two new outputs, float32 scalars: the least and the greatest number of a value.

        The value is watched in the body that computes the value `beside`; None if there is no such body.
        """
        ends = self._within(self.graph, value, beside)
        for end in ends or ():
            self.graph.output.append(helper.make_tensor_value_info(end, TensorProto.FLOAT, []))
        return ends

    def _within(self, graph: GraphProto, value: str, beside: str) -> tuple[str, str] | None:
        """The names in `graph` of the two numbers, which nodes at its end compute."""
        if any(beside in node.output for node in graph.node):
            (wide,) = self._append(graph, "Cast", [value], to=TensorProto.FLOAT)
            return self._range(graph, wide, wide)
        for node in graph.node:
            for attribute in [a for a in node.attribute if a.type == AttributeProto.GRAPH]:
                inner = self._within(attribute.g, value, beside)
                if inner is not None:
                    return self._range(graph, *self._handed_out(node, attribute, inner))
        return None

    def _handed_out(self, node: NodeProto, attribute: AttributeProto, inner: tuple[str, str]) -> tuple[str, str]:
        """The names of new results of control flow, which give what a body gives, or 0 where another one runs."""
        for body in [a for a in node.attribute if a.type == AttributeProto.GRAPH]:
            names = inner if body.name == attribute.name else self._noughts(body.g)
            body.g.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in names)
        for setting in node.attribute:
            if setting.name in ("scan_output_axes", "scan_output_directions"):
                setting.ints.extend([0, 0])
        results = self._name(), self._name()
        node.output.extend(results)
        return results

    def _noughts(self, graph: GraphProto) -> tuple[str, str]:
        low, high = (self._constant(graph, np.array(0, np.float32)) for _ in range(2))
        return low, high

    def _range(self, graph: GraphProto, low: str, high: str) -> tuple[str, str]:
        """The least of the numbers `low`, and the greatest of `high`, and 0."""
        nought = self._constant(graph, np.zeros(1, np.float32))
        flat = self._constant(graph, np.array([-1], np.int64))
        ends: list[str] = []
        for name, op in ((low, "ReduceMin"), (high, "ReduceMax")):
            (vector,) = self._append(graph, "Reshape", [name, flat])
            (with_nought,) = self._append(graph, "Concat", [vector, nought], axis=0)
            ends += self._append(graph, op, [with_nought], keepdims=0)
        return ends[0], ends[1]

    def _constant(self, graph: GraphProto, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> str:
        (name,) = self._append(graph, "Constant", [], value=numpy_helper.from_array(array))
        return name

    def _append(self, graph: GraphProto, op: str, inputs: list[str], **settings: Any) -> list[str]:
        name = self._name()
        graph.node.append(helper.make_node(op, inputs, [name], f"/{name}", **settings))
        return [name]

    def _name(self) -> str:
        self.names += 1
        return f"watched in bodies {self.names}"
