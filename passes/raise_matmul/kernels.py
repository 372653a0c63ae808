"""Constant kernels of convolutions, plain or dequantised on their way, as weights of vectors: a matrix or blocks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from xdsl.dialects.builtin import NoneType, SymbolRefAttr
from xdsl.ir import SSAValue

from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.onnx_attributes import integer
from dialects.attributes.structure import BLOCK_DIAGONAL, BlockDiagonalAttr
from dialects.cim import DigitalOp, ReadOp
from dialects.element_types import Array, element_type
from dialects.network import Network
from dialects.semantics.weight_values import ordered
from dialects.weights import Remake
from passes.rewriting.constants import BYTES, constant_of, turned
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.integer_products import IntegerWeight


@dataclass(frozen=True)
class Kernel:
    """A kernel [out, channels of a group, points...] that stands for `(values - zero_point) * scale`.

    `scale` and `zero_point` broadcast against `values`, None where there is none. `again` makes `values` once more.
    """

    values: Array
    name: str
    scale: Array | None = None
    zero_point: Array | None = None
    again: Remake | None = None

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the numbers that it stands for."""
        return (self.values if self.scale is None else self.scale).dtype

    def floats(self) -> Array:
        """The numbers that it stands for."""
        if self.scale is None:
            return self.values
        values = self.values if self.zero_point is None else self.values.astype(np.int32) - self.zero_point
        return values.astype(self.scale.dtype) * self.scale

    def as_int8(self) -> "Kernel":
        """The same of int8: moved by the zero point where int8 holds that, or by 128."""
        values, zero = self.values, self.zero_point
        if zero is not None and zero.any():
            moved = values.astype(np.int16) - zero.astype(np.int16)
            if moved.min() >= -128 and moved.max() <= 127:
                return replace(self, values=moved.astype(np.int8), zero_point=None, again=None)
        if values.dtype == np.int8:
            return self
        zero = np.zeros(1, np.int32) if zero is None else zero
        return replace(self, values=(values ^ 0x80).view(np.int8), zero_point=zero - np.int32(128), again=None)


@dataclass(frozen=True)
class Arrangement:
    """How a kernel becomes a weight: `blocks` makes [groups, rows, columns] of an array of its shape.

    `order`, where there is one, says which column of the matrix a column of the blocks is.
    """

    blocks: Callable[[Array], Array]
    order: Array | None = None

    def columns(self, numbers: Array | None, kernel: Kernel) -> Array | None:
        """Scale or zero point of each column of the matrix, or None if it differs inside of one."""
        if numbers is None:
            return None
        blocks = self.blocks(np.broadcast_to(numbers if numbers.size > 1 else numbers.reshape(()), kernel.values.shape))
        is_same = (blocks == blocks[:, :1]).all()
        return ordered(np.ascontiguousarray(blocks[:, 0]).reshape(-1), self.order) if is_same else None


def constant_kernel(value: SSAValue, network: Network) -> Kernel | None:
    """The kernel of a value that is constant but for dequantisation, else None."""
    kernel, owner = _stored(value, network), value.owner
    if kernel is None and isinstance(owner, DigitalOp):
        if owner.is_a("Mul"):
            kernel = _scaled(owner, network)
        elif owner.is_a("DequantizeLinear"):
            kernel = _dequantised(owner, network)
    return kernel


def _stored(value: SSAValue, network: Network) -> Kernel | None:
    array, owner = constant_of(value, network), value.owner
    if array is None or array.ndim < 3 or not array.size:
        return None
    again = network.weight(owner.symbol).again(network.store) if isinstance(owner, ReadOp) else None
    return Kernel(array, value.name_hint or "kernel", again=again)


def _scaled(op: DigitalOp, network: Network) -> Kernel | None:
    """`Mul(Cast(w), scale)` of an 8-bit `w`."""
    for cast, factor in (tuple(op.inputs), tuple(reversed(op.inputs))):
        scale = constant_of(factor, network)
        if scale is None or not isinstance(cast.owner, DigitalOp) or not cast.owner.is_a("Cast"):
            continue
        kernel = _stored(cast.owner.inputs[0], network)
        fits = element_type(cast.type) == element_type(factor.type)
        if kernel is not None and kernel.values.dtype in BYTES and fits and _broadcasts(scale, kernel):
            return replace(kernel, scale=scale)
    return None


def _broadcasts(numbers: Array, kernel: Kernel) -> bool:
    try:
        return np.broadcast_shapes(numbers.shape, kernel.values.shape) == kernel.values.shape
    except ValueError:
        return False


def _dequantised(op: DigitalOp, network: Network) -> Kernel | None:
    """`DequantizeLinear(w, scale, zero point)` of an 8-bit `w`, per tensor or along an axis."""
    kernel, scale = _stored(op.inputs[0], network), constant_of(op.inputs[1], network)
    zero = constant_of(op.inputs[2], network) if len(op.inputs) > 2 else None
    if kernel is None or scale is None or kernel.values.dtype not in BYTES or scale.ndim > 1:
        return None
    if integer(op.setting, "block_size", 0) or (len(op.inputs) > 2 and zero is None):
        return None
    axis, rank = integer(op.setting, "axis", 1), kernel.values.ndim
    if not -rank <= axis < rank:
        return None
    if any(a is not None and a.size not in (1, kernel.values.shape[axis]) for a in (scale, zero)):
        return None
    along = [-1 if i == axis % rank else 1 for i in range(rank)]
    zero = None if zero is None else zero.astype(np.int32).reshape(along)
    return replace(kernel, scale=scale.reshape(along), zero_point=zero)


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


def kernel_product(builder: DigitalBuilder, vectors: SSAValue, kernel: Kernel, arrangement: Arrangement) -> SSAValue:
    """Vectors of floats times a kernel of their type, which keeps its integers if it has a scale of each column."""
    if kernel.scale is None:
        return plain_product(builder, vectors, kernel, arrangement)[0]
    narrow = kernel.as_int8()
    scale, zero = (arrangement.columns(numbers, kernel) for numbers in (narrow.scale, narrow.zero_point))
    if scale is None or (narrow.zero_point is not None and zero is None):
        plain = Kernel(kernel.floats(), f"{kernel.name}.float")
        return plain_product(builder, vectors, plain, arrangement)[0]
    scale_symbol = SymbolRefAttr(builder.weight(scale, f"{kernel.name}.scale"))
    zero_symbol = NoneType()
    if zero is not None and zero.any():
        zero_symbol = SymbolRefAttr(builder.weight(zero, f"{kernel.name}.zero"))
    affine = AffineAttr(scale_symbol, zero_symbol)
    return plain_product(builder, vectors, narrow, arrangement, affine)[0]


def plain_product(
    builder: DigitalBuilder,
    vectors: SSAValue,
    kernel: Kernel,
    arrangement: Arrangement,
    affine: AffineAttr | None = None,
) -> tuple[SSAValue, IntegerWeight]:
    """Vectors times the values of a kernel as they are, and the weight that these are."""
    blocks = arrangement.blocks(kernel.values)
    again = None if kernel.again is None else partial(_blocks_again, kernel.again, arrangement)
    groups, _, columns = blocks.shape
    if groups == 1:
        symbol = builder.weight(blocks[0], f"{kernel.name}.matrix", affine, again=again)
    else:
        order = None if arrangement.order is None else builder.weight(arrangement.order, f"{kernel.name}.order")
        structure = BlockDiagonalAttr.of(blocks.shape, BLOCK_DIAGONAL, order)
        symbol = builder.weight(blocks, f"{kernel.name}.blocks", affine, structure, again)
    zero = arrangement.columns(kernel.zero_point, kernel)
    weight = IntegerWeight(blocks[0] if groups == 1 else blocks, zero, symbol, arrangement.order)
    return builder.matmul(vectors, symbol, groups * columns), weight


def _blocks_again(values: Remake, arrangement: Arrangement) -> Array:
    blocks = arrangement.blocks(values())
    return blocks[0] if len(blocks) == 1 else blocks
