"""Ranks that ONNX's shape inference leaves open: from the length of a shape, or from what an operator can only take.

Up to opset 13 ONNX knows nothing of a `Reshape` to a computed shape, and of all that follows; later it knows nothing
where the shape is computed in ways that it does not follow.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from onnx import GraphProto, NodeProto, TypeProto, helper, numpy_helper

Dims: TypeAlias = tuple[int | None, ...]
"""A shape as far as it is known, or the numbers of a tensor of at most one dimension as far as they are."""

MOST_NUMBERS = 64
"""Tensors of more numbers than this are no shapes."""


def open_ranks(graph: GraphProto) -> dict[str, Dims]:
    """Shapes, with None for dimensions that are not known, of values of the graph for which it has none."""
    return _Ranks(graph).inferred()


class _Ranks:
    def __init__(self, graph: GraphProto):
        self.graph = graph
        self.shapes: dict[str, Dims] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
        entries = (*graph.input, *graph.value_info, *graph.output)
        self.shapes |= {entry.name: dims for entry in entries if (dims := dims_of(entry.type)) is not None}
        self.numbers: dict[str, Dims] = {}
        self.new: dict[str, Dims] = {}

    def inferred(self) -> dict[str, Dims]:
        named = {name for node in self.graph.node for name in (*node.input, *node.output) if name}
        if named <= self.shapes.keys():
            return {}
        for tensor in self.graph.initializer:
            self._note_numbers(tensor.name, numpy_helper.to_array(tensor))
        for node in self.graph.node:
            self._forward(node)
        for node in reversed(self.graph.node):
            self._backward(node)
        return self.new

    def _note(self, name: str, dims: Dims | None) -> None:
        """Keep a shape for a value that has none yet."""
        if name and dims is not None and name not in self.shapes:
            self.shapes[name] = self.new[name] = dims

    def _note_numbers(self, name: str, array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> None:
        if array.dtype.kind in "iu" and array.ndim <= 1 and array.size <= MOST_NUMBERS:
            self.numbers[name] = tuple(int(n) for n in array.reshape(-1))

    def _forward(self, node: NodeProto) -> None:
        if node.op_type == "MultiHeadAttention" and node.domain == "com.microsoft":
            self._note_caches(node)
        if node.domain or not node.output or not node.output[0]:
            return
        settings = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type == "Constant" and "value" in settings:
            self._note_numbers(node.output[0], numpy_helper.to_array(settings["value"].t))
        elif node.op_type == "Constant" and {"value_int", "value_ints"} & settings.keys():
            self.numbers[node.output[0]] = (
                tuple(helper.get_attribute_value(node.attribute[0]))
                if ("value_ints" in settings)
                else (settings["value_int"].i,)
            )
        elif node.op_type in _NUMBERS:
            numbers = _NUMBERS[node.op_type](self, node)
            if numbers is not None and len(numbers) <= MOST_NUMBERS:
                self.numbers[node.output[0]] = numbers
        if node.output[0] not in self.shapes and node.op_type in _SHAPES:
            self._note(node.output[0], _SHAPES[node.op_type](self, node))

    def _note_caches(self, node: NodeProto) -> None:
        """Present keys and values are as past ones, but for their length."""
        for past, present in zip(node.input[6:8], node.output[1:3]):
            shape = self.shapes.get(past, ())
            if len(shape) == 4:
                self._note(present, (shape[0], shape[1], None, shape[3]))

    def _backward(self, node: NodeProto) -> None:
        if node.domain:
            return
        if node.op_type in _SAME and len(node.input) and node.output:
            self._note(node.input[0], self.shapes.get(node.output[0]))
        for name, rank in _demanded(node, self.shapes):
            if rank is not None:
                self._note(name, (None,) * rank)

    def length(self, name: str) -> int | None:
        """How many numbers a tensor of one dimension has, if that is known."""
        if name in self.numbers:
            return len(self.numbers[name])
        shape = self.shapes.get(name)
        return shape[0] if shape is not None and len(shape) == 1 else None

    def numbers_of(self, name: str) -> Dims | None:
        """The numbers of a tensor of at most one dimension, None for each that is not known; None for other tensors."""
        if name in self.numbers:
            return self.numbers[name]
        shape = self.shapes.get(name)
        size = 1 if shape == () else self.length(name)
        return (None,) * size if size is not None and size <= MOST_NUMBERS else None


def dims_of(value_type: TypeProto) -> Dims | None:
    """The shape of a tensor type, None where it has no rank."""
    if not value_type.HasField("tensor_type") or not value_type.tensor_type.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in value_type.tensor_type.shape.dim)


def _reshaped(ranks: _Ranks, node: NodeProto) -> Dims | None:
    """What `Reshape` makes; 0 keeps a dimension of the input, and what is not known may be anything."""
    target = ranks.numbers_of(node.input[1])
    if target is None:
        return None
    before = ranks.shapes.get(node.input[0], ())
    keeps = _integer(node, "allowzero", 0) == 0
    dims: list[int | None] = []
    for axis, size in enumerate(target):
        if size == 0 and keeps:
            dims.append(before[axis] if axis < len(before) else None)
        else:
            dims.append(size if size is not None and size >= 0 else None)
    return tuple(dims)


def _tiled(ranks: _Ranks, node: NodeProto) -> Dims | None:
    """As many dimensions as there are numbers of repetitions."""
    rank = ranks.length(node.input[1])
    return (None,) * rank if rank is not None and rank <= MOST_NUMBERS else None


def _more_or_fewer(sign: int) -> Callable[[_Ranks, NodeProto], Dims | None]:
    """`Unsqueeze` and `Squeeze` with axes that are computed: only how many is known."""

    def rank(ranks: _Ranks, node: NodeProto) -> Dims | None:
        before = ranks.shapes.get(node.input[0])
        count = ranks.length(node.input[1]) if len(node.input) > 1 else None
        after = None if before is None or count is None else len(before) + sign * count
        return (None,) * after if after is not None and 0 <= after <= MOST_NUMBERS else None

    return rank


def _reduced(ranks: _Ranks, node: NodeProto) -> Dims | None:
    before = ranks.shapes.get(node.input[0])
    if before is None:
        return None
    if _integer(node, "keepdims", 1):
        return (None,) * len(before)
    count = ranks.length(node.input[1]) if len(node.input) > 1 else None
    return (None,) * (len(before) - count) if count is not None and 0 < count <= len(before) else None


def _transposed(ranks: _Ranks, node: NodeProto) -> Dims | None:
    order = _integers(node, "perm")
    return None if order is None else (None,) * len(order)


def _einsum(ranks: _Ranks, node: NodeProto) -> Dims | None:
    _, arrow, result = _equation(node).partition("->")
    return (None,) * len(result) if arrow and "." not in result else None


_SHAPES: dict[str, Callable[[_Ranks, NodeProto], Dims | None]] = {
    "Reshape": _reshaped,
    "Tile": _tiled,
    "Unsqueeze": _more_or_fewer(1),
    "Squeeze": _more_or_fewer(-1),
    "Transpose": _transposed,
    "Einsum": _einsum,
    "Flatten": lambda ranks, node: (None, None),
    **dict.fromkeys(
        ("ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
         "ReduceLogSum", "ReduceLogSumExp"),
        _reduced,
    ),
}  # fmt: skip


def _concatenated(ranks: _Ranks, node: NodeProto) -> Dims | None:
    parts = [ranks.numbers_of(name) for name in node.input]
    return tuple(number for part in parts if part is not None for number in part) if None not in parts else None


def _gathered(ranks: _Ranks, node: NodeProto) -> Dims | None:
    data, places = ranks.numbers_of(node.input[0]), ranks.numbers.get(node.input[1])
    if data is None or places is None or _integer(node, "axis", 0):
        return None
    return tuple(data[i] if i is not None and -len(data) <= i < len(data) else None for i in places)


def _sliced(ranks: _Ranks, node: NodeProto) -> Dims | None:
    """A part of numbers, where it is known which."""
    data = ranks.numbers_of(node.input[0])
    limits = [ranks.numbers.get(name) for name in node.input[1:3]]
    steps = ranks.numbers.get(node.input[4], (None,)) if len(node.input) > 4 and node.input[4] else (1,)
    if data is None or len(limits) < 2 or any(limit is None or len(limit) != 1 for limit in limits) or None in steps:
        return None
    (start, stop), step = ((limit or (None,))[0] for limit in limits), steps[0]
    return None if start is None or stop is None or not step else data[start:stop:step]


def _shape(ranks: _Ranks, node: NodeProto) -> Dims | None:
    shape = ranks.shapes.get(node.input[0])
    if shape is None:
        return None
    return shape[_integer(node, "start", 0) : _integer(node, "end", len(shape))]


def _same_numbers(ranks: _Ranks, node: NodeProto) -> Dims | None:
    return ranks.numbers_of(node.input[0]) if node.input else None


_NUMBERS: dict[str, Callable[[_Ranks, NodeProto], Dims | None]] = {
    "Concat": _concatenated,
    "Gather": _gathered,
    "Shape": _shape,
    "Slice": _sliced,
    **dict.fromkeys(("Cast", "Identity", "Squeeze", "Unsqueeze"), _same_numbers),
}
"""Operators through which the numbers of a shape travel."""

_SAME = frozenset({
    "Abs", "BatchNormalization", "Cast", "Clip", "Dropout", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "Identity",
    "LayerNormalization", "LeakyRelu", "Log", "LogSoftmax", "Neg", "Reciprocal", "Relu", "Round", "Sigmoid", "Softmax",
    "Softplus", "Sqrt", "Tanh",
})  # fmt: skip
"""Operators whose first input has the shape of their output."""


def _demanded(node: NodeProto, shapes: dict[str, Dims]) -> Iterator[tuple[str, int | None]]:
    """Inputs of an operator that can only have one rank, and that rank."""
    op_type = node.op_type
    if op_type == "Gemm":
        yield from ((name, 2) for name in node.input[:2])
    elif op_type in ("Conv", "ConvTranspose", "ConvInteger") and len(node.input) > 1:
        kernel = shapes.get(node.input[1])
        yield node.input[0], None if kernel is None else len(kernel)
    elif op_type in ("MaxPool", "AveragePool", "LpPool"):
        kernel = _integers(node, "kernel_shape")
        yield node.input[0], None if kernel is None else len(kernel) + 2
    elif op_type == "Transpose":
        order = _integers(node, "perm")
        yield node.input[0], None if order is None else len(order)
    elif op_type == "Einsum":
        terms = _equation(node).partition("->")[0].split(",")
        yield from ((name, len(term)) for name, term in zip(node.input, terms) if "." not in term)
    elif op_type in ("LSTM", "GRU", "RNN"):
        yield node.input[0], 3


def _equation(node: NodeProto) -> str:
    equation = next((a.s for a in node.attribute if a.name == "equation"), b"")
    return equation.decode(errors="replace").replace(" ", "")


def _integer(node: NodeProto, name: str, default: int) -> int:
    return next((a.i for a in node.attribute if a.name == name), default)


def _integers(node: NodeProto, name: str) -> Sequence[int] | None:
    return next((list(a.ints) for a in node.attribute if a.name == name), None)
