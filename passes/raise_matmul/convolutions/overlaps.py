"""Where the points of a kernel come to lie that is put down at every position: what an output is the sum of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.dialects.builtin import TensorType, i1, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.hints import isa

from dialects.attributes.onnx_attributes import integers
from dialects.element_types import Array
from passes.raise_matmul.convolutions.windows import auto_pad, borders, strides_and_dilations
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.sizes import Size, Sizes, known

_NO_POINT = 1 << 40
"""A point of the kernel so far away that no position puts it on an output."""
_MOST_POINTS, _LARGEST = 1 << 20, 1 << 24
"""Strides times kernel points, and sizes that are asked for: what is larger is no image."""


@dataclass(frozen=True)
class Overlap:
    """One axis: `kernel` points, `dilation` apart, put down `size` times, `stride` apart.

    Of what they cover, the first `begin` elements are left out, and `count` are outputs; beyond are zeros.
    """

    size: Size
    kernel: int
    stride: int
    dilation: int
    begin: Size
    count: Size
    is_tiling: bool
    """Whether the kernels lie side by side, and all that they cover are outputs."""

    @property
    def points(self) -> Array:
        """The points of the kernel that an output may have, int64 [stride, most of any].

        Outputs with the same rest modulo the stride have the same ones.
        """
        rests = range(self.stride)
        rows = [[k for k in range(self.kernel) if (r - k * self.dilation) % self.stride == 0] for r in rests]
        most = max(len(row) for row in rows)
        return np.array([row + [_NO_POINT] * (most - len(row)) for row in rows], np.int64)


def overlaps(
    setting: Mapping[str, Attribute], kernel: Sequence[int], x: SSAValue, sizes: Sizes
) -> list[Overlap] | None:
    """The overlap of each axis of a `ConvTranspose` of `x` [batch, channels, axes].

    None where ONNX Runtime takes no such node.
    """
    rank, padding = len(kernel), auto_pad(setting)
    steps, given = strides_and_dilations(setting, kernel), borders(setting, rank)
    more, wanted = (integers(dict(setting), name) for name in ("output_padding", "output_shape"))
    more = more or [0] * rank
    if steps is None or given is None or padding not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        return None
    if not isa(x.type, TensorType) or x.type.get_num_dims() != rank + 2 or len(more) != rank:
        return None
    if any(not 0 <= extra < max(step) for extra, step in zip(more, steps)):
        return None
    if wanted and (len(wanted) != rank or min(wanted) < 1):
        return None
    axes: list[Overlap] = []
    for i, (points, (stride, dilation), extra) in enumerate(zip(kernel, steps, more)):
        size, span = sizes.of(x, 2 + i), dilation * (points - 1) + 1
        full = sizes.add(sizes.multiply(sizes.subtract(size, 1), stride), span + extra)
        if wanted:
            count: Size = wanted[i]
            begin = _first_of(sizes.at_least_0(sizes.subtract(full, count)), padding, sizes)
        elif padding.startswith("SAME"):
            left_out = max(span + extra - stride, 0)
            begin, count = _first_of(left_out, padding, sizes), sizes.subtract(full, left_out)
        else:
            begin, count = given[i][0], sizes.subtract(full, sum(given[i]))
        if isinstance(count, int) and count < 1:
            return None
        whole = not wanted and (begin, sum(given[i])) == (0, 0) and extra == 0
        tiling = points == stride and dilation == 1 and whole
        if stride * points > _MOST_POINTS or not all(n < _LARGEST for n in (extra, *(wanted or ()))):
            return None
        axes.append(Overlap(size, points, stride, dilation, begin, count, tiling))
    return axes


def _first_of(left_out: Size, padding: str, sizes: Sizes) -> Size:
    """How many of the elements that are left out lie before the outputs: the odd one, unless told otherwise."""
    half = sizes.divide(left_out, 2)
    return half if padding == "SAME_UPPER" else sizes.subtract(left_out, half)


def table_of_products(builder: DigitalBuilder, axes: Sequence[Overlap], sizes: Sizes) -> SSAValue:
    """The products whose sum each output is, int64 [outputs of each axis, products of each axis].

    Products are numbered through positions, then points; where an output has fewer than others, it is the number after
    the last.
    """
    count = prod(axis.kernel for axis in axes)
    total: tuple[SSAValue, SSAValue] | None = None
    for n, axis in enumerate(axes):
        step = sizes.multiply(sizes.product([other.size for other in axes[n + 1 :]]), count)
        point_step = prod(other.kernel for other in axes[n + 1 :])
        here = _axis_table(builder, axis, (step, point_step), sizes)
        here = [_among(builder, value, n, len(axes)) for value in here]
        if total is not None:
            here = [_together(builder, op, a, b) for op, a, b in zip(("Add", "And"), total, here)]
        total = here[0], here[1]
    assert total is not None
    places, inside = total
    beyond = sizes.scalar(sizes.multiply(sizes.product([axis.size for axis in axes]), count))
    table = builder.op("Where", [inside, places, beyond], places.type)
    if all(axis.points.shape[1] == 1 for axis in axes):
        return builder.reduce("ReduceMax", table, range(len(axes), 2 * len(axes)))
    return table


def _axis_table(builder: DigitalBuilder, axis: Overlap, steps: tuple[Size, int], sizes: Sizes) -> list[SSAValue]:
    """Places of the products of each output of an axis, and whether there are such: [outputs, products]."""
    points = axis.points
    outputs, shape = known(axis.count), [known(axis.count), points.shape[1]]
    ints, truths = TensorType(i64, shape), TensorType(i1, shape)

    def number(value: Size) -> SSAValue:
        return sizes.scalar(value)

    places = sizes.range(axis.begin, sizes.add(axis.begin, axis.count))
    rest = builder.op("Mod", [places, number(axis.stride)], places.type)
    point = builder.op("Gather", [builder.constant(points, "points"), rest], ints, axis=0)
    column = builder.constant(np.array([-1, 1]), "shape")
    places = builder.op("Reshape", [places, column], TensorType(i64, [outputs, 1]))
    ahead = builder.op("Mul", [point, number(axis.dilation)], ints)
    position = builder.op("Sub", [places, ahead], ints)
    position = builder.op("Div", [position, number(axis.stride)], ints)
    inside = builder.op("And", [
        builder.op("Less", [position, number(axis.size)], truths),
        builder.op("Less", [number(-1), position], truths),
    ], truths)  # fmt: skip
    position = builder.op("Mul", [position, number(steps[0])], ints)
    point = builder.op("Mul", [point, number(steps[1])], ints)
    return [builder.op("Add", [position, point], ints), inside]


def _among(builder: DigitalBuilder, x: SSAValue, n: int, axes: int) -> SSAValue:
    """A table [outputs, products] of axis `n` among those of all axes."""
    assert isa(x.type, TensorType)
    shape, target = [1] * (2 * axes), [1] * (2 * axes)
    shape[n], shape[axes + n] = x.type.get_shape()
    target[n], target[axes + n] = -1, shape[axes + n]
    value = builder.constant(np.array(target, np.int64), "shape")
    return builder.op("Reshape", [x, value], TensorType(x.type.element_type, shape))


def _together(builder: DigitalBuilder, op_type: str, a: SSAValue, b: SSAValue) -> SSAValue:
    assert isa(a.type, TensorType)
    assert isa(b.type, TensorType)
    shape = [n if m == 1 else m for m, n in zip(a.type.get_shape(), b.type.get_shape())]
    return builder.op(op_type, [a, b], TensorType(a.type.element_type, shape))
