"""Constant kernels of convolutions, plain or of integers, as the blocks that vectors are multiplied by."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from dialects.element_types import Array
from dialects.network import Network
from dialects.weights import Remake
from passes.rewriting.constants.constant_tensors import ConstantTensor, turned
from passes.rewriting.constants.constants import constant_factors
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.float_products import added, are_multiplied, block_product

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
    return block_product(builder, x, kernel.moved(blocks), _again(kernel.symbol, builder.network, blocks))


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
