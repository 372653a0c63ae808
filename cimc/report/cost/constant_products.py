"""Which operators of a program's kernels multiply by constant weights: found by following what is constant."""

import math
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper

from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.cost.body_runs import Shape, bodies_of
from passes.analysis.cost.multiply_accumulates import weight_operands


class Origin(IntEnum):
    """Where a value comes from."""

    DATA = 0
    """The inputs of a run."""
    SHAPES = 1
    """The shapes of a run alone."""
    CHOSEN = 2
    """Constants, by an index that a run computes: experts."""
    COMPUTED = 3
    """Constants alone, computed in each run."""
    STORED = 4
    """A constant of the program."""


@dataclass(frozen=True)
class Known:
    """What is known of a value before a run."""

    origin: Origin
    shape: Shape | None = None
    elements: int = 0
    """Of the largest constant that it is made of."""
    element: int = TensorProto.UNDEFINED
    """The ONNX element type of that constant."""


DATA = Known(Origin.DATA)


@dataclass(frozen=True)
class ConstantProduct:
    """An operator that multiplies by constant weights: node number `index` of a kernel, or one of its bodies inside.

    `nested` is its number among all nodes of the bodies of the kernel (`nested_nodes`), None outside of bodies;
    `around` are the operators whose bodies it is in, from the outermost on.
    """

    kernel: int
    index: int
    node: NodeProto
    weights: Mapping[int, Known]
    """By the number of the operand."""
    nested: int | None = None
    around: tuple[str, ...] = ()

    @property
    def elements(self) -> int:
        """Weights that the operator multiplies by, as far as they are known without a run."""
        if self.node.op_type in ("MatMulNBits", "MatMulBnb4"):
            sizes = {a.name: a.i for a in self.node.attribute if a.name in ("K", "N")}
            return math.prod(sizes.values())
        return sum(weight.elements for weight in self.weights.values())


_CHOOSING = frozenset({"Gather", "GatherElements", "GatherND", "Slice", "Compress"})
_SMALLEST_STACK = 3
"""The rank from which on a constant that is chosen from is a stack of weights, and no table of vectors."""
_RANDOM = frozenset(
    {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
_KEEP_SHAPE = frozenset({"Identity", "Cast", "DequantizeLinear", "Mul", "Sub", "Div", "Add"})


def constant_products(program: Program) -> Iterator[ConstantProduct]:
    """The operators of all kernels that multiply by constant weights, in the order in which kernels run.

    A kernel that is no ONNX model has none.
    """
    slots: dict[int, Known] = {}
    records = program.instructions
    numbers: list[int] = records["k"][records["op"] == Opcode.KERNEL].tolist()
    for number in numbers:
        kernel = program.kernels[number]
        graph = onnx.load_model_from_string(kernel.model).graph
        walk = _Walk(number, {f"v{slot}": slots.get(slot, DATA) for slot in kernel.inputs})
        yield from walk.graph(graph)
        slots |= {slot: walk.values.get(f"v{slot}", DATA) for slot in kernel.outputs}


class _Walk:
    """Goes through one kernel."""

    def __init__(self, kernel: int, inputs: Mapping[str, Known]) -> None:
        self.kernel, self.nested = kernel, 0
        self.values: ChainMap[str, Known] = ChainMap(dict(inputs))

    def graph(
        self, graph: GraphProto, around: tuple[str, ...] = (), index: int | None = None
    ) -> Iterator[ConstantProduct]:
        self.values.update((tensor.name, _stored(tensor)) for tensor in graph.initializer)
        for place, node in enumerate(graph.node):
            nested = self.nested if around else None
            self.nested += bool(around)
            weights = self._weights(node)
            if weights:
                yield ConstantProduct(self.kernel, place if index is None else index, node, weights, nested, around)
            for body in bodies_of(node):
                self.values = self.values.new_child({value.name: DATA for value in body.input})
                yield from self.graph(body, (*around, node.op_type), place if index is None else index)
                self.values = self.values.parents
            self.values.update(dict.fromkeys(filter(None, node.output), self._result(node, bool(weights))))

    def _weights(self, node: NodeProto) -> dict[int, Known]:
        """The constants that a node multiplies by, by operand; none if nothing of it depends on the run."""
        operands = weight_operands(node.op_type, node.domain, len(node.input))
        if not operands or not any(self._is_unknown(name) for name in node.input):
            return {}
        known = {operand: self._known(node.input[operand]) for operand in operands}
        whole = {operand: value for operand, value in known.items() if value.origin >= Origin.COMPUTED}
        return whole or {operand: value for operand, value in known.items() if value.origin is Origin.CHOSEN}

    def _is_unknown(self, name: str) -> bool:
        return bool(name) and self._known(name).origin in (Origin.DATA, Origin.CHOSEN)

    def _known(self, name: str) -> Known:
        return self.values.get(name, DATA)

    def _result(self, node: NodeProto, is_product: bool) -> Known:
        inputs = [self._known(name) for name in node.input if name]
        if node.op_type in ("Shape", "Size"):
            return Known(Origin.SHAPES)
        if not inputs:
            return DATA if node.op_type in _RANDOM or any(bodies_of(node)) else _constant(node)
        least = min(value.origin for value in inputs)
        largest = max(inputs, key=lambda value: value.elements)
        if least is Origin.DATA:
            first = inputs[0]
            rank = 0 if first.shape is None else len(first.shape)
            is_choice = node.op_type in _CHOOSING and first.origin >= Origin.CHOSEN and rank >= _SMALLEST_STACK
            return replace(first, origin=Origin.CHOSEN, shape=None) if is_choice else DATA
        if is_product or node.op_type in _RANDOM or any(bodies_of(node)):
            return DATA
        shape = largest.shape if node.op_type in _KEEP_SHAPE else _reshaped(node, inputs)
        if all(value.origin is Origin.SHAPES for value in inputs):
            return Known(Origin.SHAPES)
        origin = Origin.CHOSEN if any(value.origin is Origin.CHOSEN for value in inputs) else Origin.COMPUTED
        return replace(largest, origin=origin, shape=shape)


def _reshaped(node: NodeProto, inputs: Sequence[Known]) -> Shape | None:
    """The shape of a constant that is moved."""
    if node.op_type != "Transpose" or inputs[0].shape is None:
        return None
    order = next((list(a.ints) for a in node.attribute if a.name == "perm"), None)
    shape = inputs[0].shape
    return shape[::-1] if order is None else tuple(shape[axis] for axis in order if axis < len(shape))


def _stored(tensor: TensorProto) -> Known:
    shape = tuple(tensor.dims)
    return Known(Origin.STORED, shape, math.prod(shape), tensor.data_type)


def _constant(node: NodeProto) -> Known:
    """What a Constant gives: an attribute, a tensor or not."""
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if isinstance(value, TensorProto):
            return _stored(value)
    return Known(Origin.STORED)
