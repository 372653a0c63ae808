"""`ConvTranspose` with a constant kernel: one vector for each position of the input, and the products summed in place.

The products of a position are all that it adds to outputs, [kernel points, out]. Where kernels lie side by side, these
are the outputs in another order. Elsewhere a table tells which products an output is the sum of; what some outputs
have fewer of are products of a vector of zeros, which is put behind the positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.utils.hints import isa

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp
from dialects.network import Network
from passes.raise_matmul.convolutions.kernels import columns_of, float_kernels, kernel_product
from passes.raise_matmul.convolutions.overlaps import Overlap, overlaps, table_of_products
from passes.raise_matmul.convolutions.windows import image
from passes.rewriting.constants.constants import ComputedConstants
from passes.rewriting.digital import DigitalBuilder, check_vectors
from passes.rewriting.integer_products import optional
from passes.rewriting.sizes import Sizes, known


@dataclass(frozen=True)
class RaiseConvTranspose(RewritePattern):
    """`ConvTranspose(x, kernel, bias)` of floats, the kernel being [channels, out of a group, points...]."""

    network: Network
    constants: ComputedConstants

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("ConvTranspose") or self.constants.has(*op.inputs[:2]):
            return
        x = image(op.inputs[0], op.inputs[1])
        kernels = float_kernels(x, op.inputs[1], self.network)
        if not kernels:
            return
        builder, bias = DigitalBuilder(self.network, op), optional(op.inputs, 2)
        groups, (channels, outputs, *points) = integer(op.setting, "group", 1), kernels[0].shape
        sizes = Sizes(builder)
        axes = overlaps(op.setting, points, x, sizes)
        if axes is None or groups < 1 or channels % groups:
            return
        vectors = builder.transpose(x, [0, *range(2, 2 + len(points)), 1])
        check_vectors(vectors, channels, op)
        tiling = all(axis.is_tiling for axis in axes)
        vectors = vectors if tiling else _with_zeros(builder, vectors, axes, sizes)
        y = kernel_product(builder, vectors, kernels, partial(columns_of, groups=groups))
        y = _points_first(builder, y, groups, prod(points), outputs)
        join = _side_by_side if tiling else _summed
        rewriter.replace(op, (), [join(builder, y, axes, groups * outputs, bias, sizes)])


def _points_first(builder: DigitalBuilder, y: SSAValue, groups: int, points: int, outputs: int) -> SSAValue:
    """Products [..., groups x points x out of a group] as [..., points x groups x out of a group].

    Where columns lie in arrays does not matter, so `fold-permutations` makes nothing of it.
    """
    table = np.arange(groups * points * outputs).reshape(groups, points, outputs).swapaxes(0, 1).reshape(-1)
    return builder.permute(y, table, "points_first")


def _with_zeros(builder: DigitalBuilder, vectors: SSAValue, axes: Sequence[Overlap], sizes: Sizes) -> SSAValue:
    """[batch, positions + 1, channels]: all positions, and a vector of zeros."""
    assert isa(vectors.type, TensorType)
    batch, channels, element = vectors.type.get_shape()[0], vectors.type.get_shape()[-1], vectors.type.element_type
    count = sizes.product([axis.size for axis in axes])
    if len(axes) > 1:
        type_ = TensorType(element, [batch, known(count), channels])
        vectors = builder.op("Reshape", [vectors, sizes.vector([0, count, channels])], type_)
    pads = builder.constant(np.array([0, 0, 0, 0, 1, 0]), "pads")
    return builder.op("Pad", [vectors, pads], TensorType(element, [batch, known(sizes.add(count, 1)), channels]))


def _side_by_side(
    builder: DigitalBuilder, y: SSAValue, axes: Sequence[Overlap], outputs: int, bias: SSAValue | None, sizes: Sizes
) -> SSAValue:
    """Products [batch, positions of each axis, points x out] as [batch, out, outputs of each axis]."""
    rank = len(axes)
    y = builder.reshape_last(y, 1 + rank, [*(axis.kernel for axis in axes), outputs])
    y = y if bias is None else builder.elementwise("Add", y, bias)
    y = builder.transpose(y, [0, 1 + 2 * rank, *(place for n in range(rank) for place in (1 + n, 1 + rank + n))])
    if all(axis.kernel == 1 for axis in axes):
        lengths = [axis.size for axis in axes]
    else:
        lengths = [sizes.multiply(axis.size, axis.kernel) for axis in axes]
    assert isa(y.type, TensorType)
    type_ = TensorType(y.type.element_type, [*y.type.get_shape()[:2], *map(known, lengths)])
    return builder.op("Reshape", [y, sizes.vector([0, outputs, *lengths])], type_)


def _summed(
    builder: DigitalBuilder, y: SSAValue, axes: Sequence[Overlap], outputs: int, bias: SSAValue | None, sizes: Sizes
) -> SSAValue:
    """Products [batch, positions + 1, points x out], summed to [batch, out, outputs of each axis]."""
    assert isa(y.type, TensorType)
    rank, (batch, positions, columns), element = len(axes), y.type.get_shape(), y.type.element_type
    table = table_of_products(builder, axes, sizes)
    assert isa(table.type, TensorType)
    if columns > outputs:
        points = columns // outputs
        count = sizes.multiply(sizes.add(sizes.product([axis.size for axis in axes]), 1), points)
        known_count = DYNAMIC_INDEX if positions == DYNAMIC_INDEX else positions * points
        shape = sizes.vector([0, count, outputs])
        y = builder.op("Reshape", [y, shape], TensorType(element, [batch, known_count, outputs]))
    places = table.type.get_shape()
    y = builder.op("Gather", [y, table], TensorType(element, [batch, *places, outputs]), axis=1)
    if len(places) > rank:
        y = builder.reduce("ReduceSum", y, range(1 + rank, 1 + 2 * rank))
    y = y if bias is None else builder.elementwise("Add", y, bias)
    return builder.transpose(y, [0, 1 + rank, *range(1, 1 + rank)])
