"""Builds digital operators in front of an operation, in the forms that the network's operator set knows."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseArrayBase,
    IntegerAttr,
    TensorType,
    UnrankedTensorType,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.hints import isa

from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.structure import BlockDiagonalAttr, BlocksAttr
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, PermuteOp, ReadOp, weight_op
from dialects.element_types import (
    Array,
    element_type,
    i8,
    i32,
    inline_constant,
    onnx_element,
    tensor_type,
    tensor_type_of,
    ui8,
)
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import Network, shape_of
from dialects.weights import Remake, digest_of

Structure = BlockDiagonalAttr | BlocksAttr


def with_element(tensor: Attribute, element: Attribute) -> Attribute:
    """The tensor type `tensor` with other elements."""
    return tensor_type(element, tensor.get_shape()) if isa(tensor, TensorType) else UnrankedTensorType(element)


def with_last(tensor: Attribute, size: int, element: Attribute | None = None) -> Attribute:
    """The tensor type `tensor` with another size of its last dimension (and other elements)."""
    element = element_type(tensor) if element is None else element
    if not isa(tensor, TensorType):
        return UnrankedTensorType(element)
    return tensor_type(element, (*tensor.get_shape()[:-1], size))


class DigitalBuilder:
    """Adds operations before `anchor`, each with `anchor`'s location."""

    def __init__(self, network: Network, anchor: Operation):
        self.network, self.anchor = network, anchor
        self.opset = network.opsets[""]

    def add(self, op: Operation) -> SSAValue:
        """Insert `op` and give its first result."""
        op.location = self.anchor.location
        block = self.anchor.parent
        assert block is not None
        block.insert_op_before(op, self.anchor)
        return op.results[0]

    def once(self, op: DigitalOp) -> SSAValue:
        """The first result of `op`, or of an operator before `anchor` in its block that does the same to the same."""
        for use in op.operands[0].uses:
            other = use.operation
            if other is not op and _does_the_same(op, other) and self._is_before(other):
                op.erase()
                return other.results[0]
        return self.add(op)

    def _is_before(self, op: Operation) -> bool:
        return op.parent is not None and op.parent is self.anchor.parent and op.is_before_in_block(self.anchor)

    def op(
        self, op_type: str, inputs: Sequence[SSAValue], result_type: Attribute, **settings: int | Sequence[int]
    ) -> SSAValue:
        """A digital operator with one result of type `result_type`."""
        return self.add(DigitalOp(op_type, inputs, [result_type], {n: _setting(v) for n, v in settings.items()}))

    def constant(self, array: Array, name: str) -> SSAValue:
        """A constant; `name` is what its weight is called if it is too large to stand in the IR."""
        inline = inline_constant(array)
        if inline is not None:
            return self.add(ConstantOp(inline))
        return self.add(ReadOp(self.weight(array, name), tensor_type_of(array)))

    def weight(
        self,
        array: Array,
        name: str,
        affine: AffineAttr | None = None,
        structure: Structure | None = None,
        again: Remake | None = None,
    ) -> str:
        """The symbol of a weight with this content, a new one unless the module has it under this name.

        The store need not keep what `again` makes once more.
        """
        digest = digest_of(array)
        known, symbol = self.network.same_named(name, digest)
        for weight in known:
            if (
                weight.affine == affine
                and weight.structure == structure
                and same(weight.array(self.network.store), array)
            ):
                return weight.symbol
        op = weight_op(symbol, array, self.network.store, affine, structure, again, digest)
        op.location = self.anchor.location
        self.network.add_weight(op)
        return symbol

    def cast(self, x: SSAValue, element: Attribute) -> SSAValue:
        """`x` in another element type."""
        if element_type(x.type) == element:
            return x
        return self.op("Cast", [x], with_element(x.type, element), to=onnx_element(element))

    def elementwise(self, op_type: str, a: SSAValue, b: SSAValue) -> SSAValue:
        """A binary operator whose result has the shape and elements of `a`."""
        return self.op(op_type, [a, b], a.type)

    def clip(self, x: SSAValue, low: SSAValue, high: SSAValue) -> SSAValue:
        """`x` limited to [low, high]."""
        return self.op("Clip", [x, low, high], x.type)

    def reduce_last(self, op_type: str, x: SSAValue) -> SSAValue:
        """ReduceMin, ReduceMax or ReduceSum over the last axis, which stays with size 1."""
        return self._reduced(op_type, x, [-1], with_last(x.type, 1), keepdims=1)

    def reduce(self, op_type: str, x: SSAValue, axes: Sequence[int]) -> SSAValue:
        """ReduceMin, ReduceMax or ReduceSum over some axes, which vanish; its rank has to be known."""
        assert isa(x.type, TensorType)
        shape = [size for axis, size in enumerate(x.type.get_shape()) if axis not in axes]
        return self._reduced(op_type, x, axes, TensorType(x.type.element_type, shape), keepdims=0)

    def _reduced(
        self, op_type: str, x: SSAValue, axes: Sequence[int], result_type: Attribute, keepdims: int
    ) -> SSAValue:
        axes_are_input = self.opset >= (13 if op_type == "ReduceSum" else 18)
        if axes_are_input:
            given = self.constant(np.array(axes, np.int64), "axes")
            return self.op(op_type, [x, given], result_type, keepdims=keepdims)
        return self.op(op_type, [x], result_type, axes=axes, keepdims=keepdims)

    def scalar(self, x: SSAValue) -> SSAValue:
        """A value of one number as one without dimensions."""
        if shape_of(x.type) == ():
            return x
        none = self.constant(np.zeros(0, np.int64), "shape")
        return self.op("Reshape", [x, none], tensor_type(element_type(x.type), ()))

    def transpose(self, x: SSAValue, order: Sequence[int]) -> SSAValue:
        """`x` with its dimensions in another order; its rank has to be known."""
        assert isa(x.type, TensorType)
        if list(order) == sorted(order):
            return x
        shape = x.type.get_shape()
        result_type = TensorType(x.type.element_type, [shape[i] for i in order])
        return self.op("Transpose", [x], result_type, perm=list(order))

    def reshape_last(self, x: SSAValue, leading: int, sizes: Sequence[int]) -> SSAValue:
        """`x` with `sizes` instead of the dimensions after the first `leading` ones."""
        assert isa(x.type, TensorType)
        shape = [*x.type.get_shape()[:leading], *sizes]
        if tuple(shape) == x.type.get_shape() and DYNAMIC_INDEX not in shape[leading:]:
            return x
        target = self.constant(np.array([0] * leading + list(sizes), np.int64), "shape")
        return self.op("Reshape", [x, target], TensorType(x.type.element_type, shape))

    def pad_last(self, x: SSAValue, count: int) -> SSAValue:
        """`x` with `count` zeros after the last axis; its rank has to be known."""
        assert isa(x.type, TensorType)
        shape = x.type.get_shape()
        pads = self.constant(np.array([0] * (2 * len(shape) - 1) + [count]), "pads")
        padded = TensorType(x.type.element_type, [*shape[:-1], shape[-1] + count])
        return self.once(DigitalOp("Pad", [x, pads], [padded]))

    def first_of_last(self, x: SSAValue, count: int) -> SSAValue:
        """The first `count` elements of the last axis."""
        start, end, axis = (self.constant(np.array([n]), "slice") for n in (0, count, -1))
        return self.op("Slice", [x, start, end, axis], with_last(x.type, count))

    def permute(self, x: SSAValue, table: Array, name: str) -> SSAValue:
        """`x[..., table]`, the table kept as a weight; `x` itself for the identity."""
        if shape_of(x.type) is not None and np.array_equal(table, np.arange(_last(x))):
            return x
        permutations = [use.operation for use in x.uses if isinstance(use.operation, PermuteOp)]
        for other in permutations:
            if np.array_equal(self.network.array(other.symbol), table) and self._is_before(other):
                return other.result
        symbol = self.weight(table.astype(np.int64), name)
        return self.add(PermuteOp(x, symbol, with_last(x.type, len(table))))

    def matmul(self, x: SSAValue, symbol: str, columns: int) -> SSAValue:
        """Multiplication by the weight `@symbol` of that many columns."""
        product = i32 if element_type(x.type) in (ui8, i8) else element_type(x.type)
        return self.add(MatmulOp(x, symbol, with_last(x.type, columns, product)))


def _does_the_same(a: Operation, b: Operation) -> bool:
    """Whether two operators differ in nothing but their names."""
    same_settings = a.name == b.name and a.properties == b.properties and a.attributes == b.attributes
    if not same_settings or a.result_types != b.result_types or len(a.operands) != len(b.operands):
        return False
    return all(x is y or _is_same_constant(x, y) for x, y in zip(a.operands, b.operands))


def _is_same_constant(a: SSAValue, b: SSAValue) -> bool:
    if isinstance(a.owner, ConstantOp) and isinstance(b.owner, ConstantOp):
        return a.owner.value == b.owner.value
    return isinstance(a.owner, ReadOp) and isinstance(b.owner, ReadOp) and a.owner.symbol == b.owner.symbol


def _last(x: SSAValue) -> int:
    shape = shape_of(x.type)
    return shape[-1] if shape else -1


def check_vectors(x: SSAValue, rows: int, op: Operation) -> None:
    """UserError unless the vectors that `op` multiplies may be as long as its weight has rows."""
    length = _last(x)
    if length >= 0 and length != rows:
        raise UserError(f"node {node_name(op)!r} multiplies vectors of {length} by a weight of {rows} rows")


def _setting(value: int | Sequence[int]) -> Attribute:
    return _integer(value) if isinstance(value, int) else DenseArrayBase.from_list(i64, list(value))


@lru_cache(maxsize=1 << 10)
def _integer(value: int) -> Attribute:
    return IntegerAttr(value, i64)


def same(a: Array, b: Array) -> bool:
    """Whether two arrays are equal to the last bit, type included."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
