"""Constant kernels of convolutions, plain or of integers, as the blocks that vectors are multiplied by."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from xdsl.dialects.builtin import NoneType, SymbolRefAttr, TensorType
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from dialects.attributes.cim_attributes import AffineAttr
from dialects.element_types import Array
from dialects.network import Network
from dialects.weights import Remake
from passes.rewriting.constants.constant_tensors import ConstantTensor, turned
from passes.rewriting.constants.constants import BYTES, constant_factors
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.float_products import added, are_multiplied, block_product, stored_product
from passes.rewriting.integer_products import IntegerWeight, integer_weight

Blocks = Callable[[Array], Array]
"""Makes [groups, rows, columns] of an array of the shape of a kernel."""


def float_kernels(x: SSAValue, kernel: SSAValue, network: Network) -> Sequence[ConstantTensor]:
    """The constants, of as many dimensions as `x`, whose sum is a kernel of its type; none where it is no such."""
    kernels = constant_factors(kernel, network)
    rank = x.type.get_num_dims() if isa(x.type, TensorType) else 0
    if not are_multiplied(x, kernels) or any(len(k.shape) != max(rank, 3) for k in kernels):
        return []
    return kernels


def kernel_product(
    builder: DigitalBuilder, vectors: SSAValue, kernels: Sequence[ConstantTensor], blocks: Blocks
) -> SSAValue:
    """Vectors of floats times a sum of kernels of their type, which keep their integers if they have any."""
    return added(builder, [_product(builder, vectors, kernel, blocks) for kernel in kernels])


def _product(builder: DigitalBuilder, x: SSAValue, kernel: ConstantTensor, blocks: Blocks) -> SSAValue:
    """`x` times one kernel."""
    moved = kernel.moved(blocks)
    weight = _bytes_of_columns(moved)
    if weight is None or moved.scale is None:
        return block_product(builder, x, moved, _again(kernel.symbol, builder.network, blocks))
    scale = SymbolRefAttr(builder.weight(np.ascontiguousarray(moved.scale[:, 0]).reshape(-1), f"{kernel.name}.scale"))
    zero = NoneType()
    if weight.zero_point is not None and weight.zero_point.any():
        zero = SymbolRefAttr(builder.weight(weight.zero_point, f"{kernel.name}.zero"))
    return stored_product(builder, x, weight.values, f"{kernel.name}.int8", AffineAttr(scale, zero))


def _bytes_of_columns(blocks: ConstantTensor) -> IntegerWeight | None:
    """The integers of blocks with one scale and one zero point a column; None for others.

    What is left of the zero points is corrected in integers: a sum of floats would need those that are gathered.
    """
    scale, zero = blocks.scale, blocks.zero_point
    if scale is None or blocks.values.dtype not in BYTES or not (scale == scale[:, :1]).all():
        return None
    if zero is None:
        return integer_weight(blocks.values, None, blocks.name)
    if zero.dtype.kind not in "iu" or not (zero == zero[:, :1]).all():
        return None
    columns = np.ascontiguousarray(zero[:, 0]).reshape(-1).astype(np.int32)
    return integer_weight(blocks.values, columns, blocks.name)


def _again(symbol: str | None, network: Network, blocks: Blocks) -> Remake | None:
    """Makes the blocks of a kernel that is stored once more."""
    again = None if symbol is None else network.weight(symbol).again(network.store)
    return None if again is None else partial(_blocks_again, again, blocks)


def _blocks_again(values: Remake, blocks: Blocks) -> Array:
    return blocks(values())


def rows_of(values: Array, groups: int, axes: Sequence[int]) -> Array:
    """A kernel [out, channels, points...] as [groups, points x channels, out of a group].

    Points are in the order `axes` of the spatial axes.
    """
    outputs, inputs, *points = values.shape
    if all(size == 1 for size in points):
        plain = values.reshape(groups, outputs // groups, inputs)
        return turned(plain[0])[None] if groups == 1 else np.ascontiguousarray(plain.transpose(0, 2, 1))
    split = values.reshape(groups, outputs // groups, inputs, *points)
    moved = split.transpose(0, *(3 + i for i in axes), 2, 1)
    return np.ascontiguousarray(moved.reshape(groups, -1, outputs // groups))


def columns_of(values: Array, groups: int) -> Array:
    """A kernel [channels, out of a group, points...] as [groups, channels of a group, points x out of a group]."""
    channels, outputs, *_ = values.shape
    split = values.reshape(groups, channels // groups, outputs, -1).swapaxes(2, 3)
    return np.ascontiguousarray(split.reshape(groups, channels // groups, -1))
