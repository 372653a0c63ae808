"""Which dimensions of a network's inputs windows slide over: those of images and signals, and not those of tokens."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from onnx import GraphProto, NodeProto

from cimc.onnx_import.graph_checks import subgraphs
from cimc.onnx_import.ranks import dims_of
from dialects.element_types import Array

Origins: TypeAlias = frozenset[tuple[str, int]]
"""The dimensions of inputs, by name and number, that a dimension of a value comes from."""
Axes: TypeAlias = tuple[Origins, ...]

_SLIDING = frozenset({
    "AveragePool", "Conv", "ConvInteger", "ConvTranspose", "DeformConv", "FusedConv", "LpPool", "MaxPool",
    "QLinearAveragePool", "QLinearConv", "Resize", "Upsample",
})  # fmt: skip
"""Operators whose windows slide over all dimensions of their first input from the third on."""
_NOTHING: Origins = frozenset()


def sliding_axes(graph: GraphProto, constants: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    """The dimensions that windows slide over, by the name of the input; inputs without any are left out.

    Of an input with open dimensions among them, these alone.

    A dimension is followed through operators that keep it or move it, as far as their form tells where to; `constants`
    are the graph's.
    """
    walk = _Walk(constants)
    for entry in graph.input:
        dims = dims_of(entry.type) or ()
        walk.axes[entry.name] = tuple(frozenset({(entry.name, axis)}) for axis in range(len(dims)))
    walk.graph(graph)
    slides: dict[str, tuple[int, ...]] = {}
    for entry in graph.input:
        dims = dims_of(entry.type) or ()
        axes = sorted(axis for owner, axis in walk.sliding if owner == entry.name)
        open_ = [axis for axis in axes if dims[axis] is None]
        if axes:
            slides[entry.name] = tuple(open_ or axes)
    return slides


class _Walk:
    def __init__(self, constants: Mapping[str, Array]) -> None:
        self.constants = constants
        self.axes: dict[str, Axes] = {}
        self.ranks: dict[str, int] = {}
        self.sliding: set[tuple[str, int]] = set()

    def graph(self, graph: GraphProto) -> None:
        for entry in (*graph.value_info, *graph.output):
            dims = dims_of(entry.type)
            if dims is not None:
                self.ranks[entry.name] = len(dims)
        for node in graph.node:
            for body in subgraphs(node):
                self.graph(body)
            inputs = [self.axes.get(name, ()) for name in node.input]
            if node.op_type in _SLIDING and inputs:
                self.sliding.update(origin for origins in inputs[0][2:] for origin in origins)
            for name in filter(None, node.output):
                self.axes[name] = self._result(node, inputs, self.ranks.get(name))

    def _result(self, node: NodeProto, inputs: Sequence[Axes], rank: int | None) -> Axes:
        """Where the dimensions of a result of so many come from."""
        first = inputs[0] if inputs else ()
        if node.op_type == "Transpose":
            order = _integers(node, "perm") or range(len(first))[::-1]
            return tuple(first[axis] for axis in order if axis < len(first))
        if node.op_type in ("Unsqueeze", "Squeeze") and rank is not None:
            return self._unsqueezed(node, first, rank)
        if node.op_type == "Reshape" and rank is not None:
            return _reshaped(first, rank)
        if rank is None:
            rank = max(map(len, inputs), default=0)
        fitting = [axes for axes in inputs if len(axes) == rank]
        return tuple(_NOTHING.union(*(axes[place] for axes in fitting)) for place in range(rank)) if fitting else ()

    def _unsqueezed(self, node: NodeProto, axes: Axes, rank: int) -> Axes:
        given = _integers(node, "axes")
        if not given and len(node.input) > 1 and node.input[1] in self.constants:
            given = self.constants[node.input[1]].reshape(-1).tolist()
        longer = max(rank, len(axes))
        places = {axis % longer for axis in given} if longer else set[int]()
        if node.op_type == "Squeeze":
            return tuple(origins for axis, origins in enumerate(axes) if axis not in places)
        kept = iter(axes)
        return tuple(_NOTHING if axis in places else next(kept, _NOTHING) for axis in range(rank))


def _reshaped(axes: Axes, rank: int) -> Axes:
    """Of a reshaped value nobody knows; but the first dimension stays the batch, and all others are of one another."""
    if not axes or not rank:
        return ()
    rest: Origins = _NOTHING.union(*axes[1:])
    return (axes[0], *([rest] * (rank - 1)))


def _integers(node: NodeProto, name: str) -> list[int]:
    return [axis for attribute in node.attribute if attribute.name == name for axis in attribute.ints]
