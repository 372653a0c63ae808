"""Sends each vector to the matrix that an index chooses for it, so that each matrix multiplies its own vectors only."""

from collections.abc import Callable, Sequence
from itertools import zip_longest

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, i1, i64
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from dialects.element_types import element_type
from passes.rewriting.digital import DigitalBuilder

Multiply = Callable[[SSAValue, int], SSAValue]
"""Multiplies vectors [n, rows] by the matrix of an expert, which gives [n, columns]; n may be 0."""
_ALLOWS_ZERO = 14
"""The operator set from which on a size of 0 in a shape can mean just that."""


def routed(
    builder: DigitalBuilder, x: SSAValue, index: SSAValue, experts: int, size: tuple[int, int], multiply: Multiply
) -> SSAValue:
    """`x` [..., n, rows] times the matrices that `index` [...] chooses, [..., n, columns]; `size` is rows and columns.

    Dimensions in front are broadcast. Numbers below 0 count from the last expert. An index that chooses no expert
    makes the run fail, as `Gather` does.
    """
    (rows, columns), x = size, _spread(builder, x, index)
    shape = _shape(x)
    chosen = _chosen(builder, x, index, experts)
    flat = TensorType(element_type(x.type), [_product(shape[:-1]), rows])
    vectors = builder.op("Reshape", [x, _numbers(builder, [-1, rows])], flat)
    places: list[SSAValue] = []
    results: list[SSAValue] = []
    for expert in range(experts):
        places.append(_places(builder, chosen, expert))
        own = TensorType(element_type(x.type), [DYNAMIC_INDEX, rows])
        results.append(multiply(builder.op("Gather", [vectors, places[-1]], own, axis=0), expert))
    total = flat.get_shape()[0]
    of_all = TensorType(element_type(x.type), [total, columns])
    sorted_ = builder.op("Concat", results, of_all, axis=0)
    order = builder.op("Concat", places, TensorType(i64, [total]), axis=0)
    column = builder.op("Reshape", [order, _numbers(builder, [-1, 1])], TensorType(i64, [total, 1]))
    y = builder.op("ScatterND", [sorted_, column, sorted_], of_all)  # every row finds another place
    return _reshaped(builder, y, x, columns)


def _spread(builder: DigitalBuilder, x: SSAValue, index: SSAValue) -> SSAValue:
    """`x` with the dimensions of the index in front, as far as they can be broadcast."""
    shape, places = _shape(x), _shape(index)
    if DYNAMIC_INDEX not in (*shape[:-2], *places) and tuple(shape[:-2]) == tuple(places):
        return x
    given = builder.op("Shape", [index], TensorType(i64, [len(places)]))
    target = builder.op("Concat", [given, _numbers(builder, [1, 1])], TensorType(i64, [len(places) + 2]), axis=0)
    pairs = zip_longest(reversed(shape[:-2]), reversed(places), fillvalue=1)
    front = [_broadcast(a, b) for a, b in pairs][::-1]
    return builder.op("Expand", [x, target], TensorType(element_type(x.type), [*front, *shape[-2:]]))


def _chosen(builder: DigitalBuilder, x: SSAValue, index: SSAValue, experts: int) -> SSAValue:
    """The expert of every vector of `x`, int64 of rank 1."""
    shape, places = _shape(x), _shape(index)
    index = builder.cast(index, i64)
    count, last = _numbers(builder, experts), TensorType(i1, list(places))
    below = builder.op("Less", [index, _numbers(builder, 0)], last)
    index = builder.op("Where", [below, builder.op("Add", [index, count], index.type), index], index.type)
    if len(places):
        given = builder.op("Shape", [index], TensorType(i64, [len(places)]))
        target = builder.op("Concat", [given, _numbers(builder, [1])], TensorType(i64, [len(places) + 1]), axis=0)
        index = builder.op("Reshape", [index, target], TensorType(i64, [*places, 1]))
    vectors = _leading(builder, x)
    index = builder.op("Expand", [index, vectors], TensorType(i64, list(shape[:-1])))
    return builder.op("Reshape", [index, _numbers(builder, [-1])], TensorType(i64, [_product(shape[:-1])]))


def _places(builder: DigitalBuilder, chosen: SSAValue, expert: int) -> SSAValue:
    """Where vectors of an expert are, int64 of rank 1."""
    own = builder.op("Equal", [chosen, _numbers(builder, expert)], TensorType(i1, list(_shape(chosen))))
    found = builder.op("NonZero", [own], TensorType(i64, [1, DYNAMIC_INDEX]))
    return builder.op("Reshape", [found, _numbers(builder, [-1])], TensorType(i64, [DYNAMIC_INDEX]))


def _reshaped(builder: DigitalBuilder, y: SSAValue, x: SSAValue, columns: int) -> SSAValue:
    """`y` [vectors, columns] with the leading dimensions of `x`."""
    shape = _shape(x)
    front = _leading(builder, x)
    target = builder.op("Concat", [front, _numbers(builder, [columns])], TensorType(i64, [len(shape)]), axis=0)
    zero = {"allowzero": 1} if builder.opset >= _ALLOWS_ZERO else {}
    return builder.op("Reshape", [y, target], TensorType(element_type(y.type), [*shape[:-1], columns]), **zero)


def _leading(builder: DigitalBuilder, x: SSAValue) -> SSAValue:
    """The shape of `x` without the last dimension."""
    rank = len(_shape(x))
    whole = builder.op("Shape", [x], TensorType(i64, [rank]))
    limits = [_numbers(builder, [0]), _numbers(builder, [rank - 1])]
    return builder.op("Slice", [whole, *limits], TensorType(i64, [rank - 1]))


def _numbers(builder: DigitalBuilder, numbers: int | list[int]) -> SSAValue:
    return builder.constant(np.array(numbers, np.int64), "numbers")


def _broadcast(a: int, b: int) -> int:
    return b if a == 1 or (a == DYNAMIC_INDEX and b != 1) else a


def _product(sizes: Sequence[int]) -> int:
    return DYNAMIC_INDEX if DYNAMIC_INDEX in sizes else int(np.prod(sizes))


def _shape(value: SSAValue) -> tuple[int, ...]:
    assert isa(value.type, TensorType)
    return tuple(value.type.get_shape())
