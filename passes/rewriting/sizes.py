"""Arithmetic with sizes of dimensions: in Python where they are known, by operators on `Shape` where they are not."""

from collections.abc import Callable, Sequence

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, i1, i64
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from dialects.cim import DigitalOp
from passes.rewriting.digital import DigitalBuilder

Size = int | SSAValue
"""A number that is known, or a scalar int64 value. Such arithmetic costs nothing: it is done before the data comes."""

_SCALAR = TensorType(i64, [])


def known(size: Size) -> int:
    """The size as a dimension of a type."""
    return size if isinstance(size, int) else DYNAMIC_INDEX


def _alike(x: SSAValue) -> SSAValue:
    """A value of the same shape: not the floats where there are integers that they are made of, and may do without."""
    while isinstance(x.owner, DigitalOp) and x.owner.is_a("DequantizeLinear", "Cast"):
        x = x.owner.inputs[0]
    return x


class Sizes:
    """Computes sizes with the operators of one builder."""

    def __init__(self, builder: DigitalBuilder):
        self._builder = builder
        self._shapes: dict[SSAValue, SSAValue] = {}

    def of(self, x: SSAValue, axis: int) -> Size:
        """The size of a dimension of `x`, whose rank has to be known."""
        assert isa(x.type, TensorType)
        size = x.type.get_shape()[axis]
        if size != DYNAMIC_INDEX:
            return size
        if x not in self._shapes:
            self._shapes[x] = self._builder.op("Shape", [_alike(x)], TensorType(i64, [x.type.get_num_dims()]))
        return self._builder.op("Gather", [self._shapes[x], self._constant(axis)], _SCALAR, axis=0)

    def add(self, a: Size, b: Size) -> Size:
        return a if b == 0 else b if a == 0 else self._computed("Add", int.__add__, a, b)

    def subtract(self, a: Size, b: Size) -> Size:
        return a if b == 0 else self._computed("Sub", int.__sub__, a, b)

    def multiply(self, a: Size, b: Size) -> Size:
        return a if b == 1 else b if a == 1 else self._computed("Mul", int.__mul__, a, b)

    def divide(self, a: Size, b: int) -> Size:
        """Quotient without the rest, of numbers that are not negative."""
        return a if b == 1 else self._computed("Div", int.__floordiv__, a, b)

    def at_least_0(self, a: Size) -> Size:
        """0 instead of a number below it."""
        if isinstance(a, int):
            return max(a, 0)
        below = self._builder.op("Less", [a, self._constant(0)], TensorType(i1, []))
        return self._builder.op("Where", [below, self._constant(0), a], _SCALAR)

    def product(self, sizes: Sequence[Size]) -> Size:
        """All of them multiplied."""
        total: Size = 1
        for size in sizes:
            total = self.multiply(total, size)
        return total

    def vector(self, sizes: Sequence[Size]) -> SSAValue:
        """The sizes as a value, int64 [len(sizes)]."""
        numbers = [size for size in sizes if isinstance(size, int)]
        if len(numbers) == len(sizes):
            return self._builder.constant(np.array(numbers, np.int64), "sizes")
        parts = [self._single(size) for size in sizes]
        if len(parts) == 1:
            return parts[0]
        return self._builder.op("Concat", parts, TensorType(i64, [len(parts)]), axis=0)

    def range(self, start: Size, end: Size, step: int = 1) -> SSAValue:
        """start, start + step, ... below `end`, int64 of rank 1."""
        count = DYNAMIC_INDEX
        if isinstance(start, int) and isinstance(end, int):
            count = len(range(start, end, step))
        values = [self.scalar(size) for size in (start, end, step)]
        return self._builder.op("Range", values, TensorType(i64, [count]))

    def scalar(self, size: Size) -> SSAValue:
        """The size as a value, a scalar."""
        return self._constant(size) if isinstance(size, int) else size

    def _single(self, size: Size) -> SSAValue:
        if isinstance(size, int):
            return self._builder.constant(np.array([size], np.int64), "size")
        one = self._builder.constant(np.array([1], np.int64), "shape")
        return self._builder.op("Reshape", [size, one], TensorType(i64, [1]))

    def _constant(self, number: int) -> SSAValue:
        return self._builder.constant(np.array(number, np.int64), "size")

    def _computed(self, op_type: str, compute: Callable[[int, int], int], a: Size, b: Size) -> Size:
        if isinstance(a, int) and isinstance(b, int):
            return compute(a, b)
        return self._builder.op(op_type, [self.scalar(a), self.scalar(b)], _SCALAR)
