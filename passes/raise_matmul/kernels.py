"""Constant kernels of convolutions, plain or dequantised on their way, as weights of vectors: a matrix or blocks."""

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
from dialects.weights import Remake
from passes.rewriting.constants import BYTES, constant_of, turned
from passes.rewriting.digital import DigitalBuilder


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

    def per_output(self, numbers: Array | None) -> Array | None:
        """Scale or zero point as [out], or None if it differs inside of what an output is made of."""
        if numbers is None:
            return None
        grid = np.broadcast_to(numbers if numbers.size > 1 else numbers.reshape(()), self.values.shape)
        grid = grid.reshape(len(self.values), -1)
        return np.ascontiguousarray(grid[:, 0]) if (grid == grid[:, :1]).all() else None


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


def rows_of(values: Array, groups: int, axes: list[int]) -> Array:
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


def kernel_product(
    builder: DigitalBuilder, vectors: SSAValue, kernel: Kernel, groups: int, axes: list[int]
) -> SSAValue:
    """The vectors of `patches` times a kernel of their type."""
    scale, zero = kernel.per_output(kernel.scale), kernel.per_output(kernel.zero_point)
    if kernel.scale is not None and (scale is None or (kernel.zero_point is not None and zero is None)):
        kernel = Kernel(kernel.floats(), f"{kernel.name}.float")
        scale = None
    if scale is None:
        symbol = stored_rows(builder, kernel, groups, axes)
    else:
        symbol = _affine(builder, kernel, scale, zero, groups, axes)
    return builder.matmul(vectors, symbol, len(kernel.values))


def stored_rows(
    builder: DigitalBuilder, kernel: Kernel, groups: int, axes: list[int], affine: AffineAttr | None = None
) -> str:
    """The symbol of a weight with the values of a kernel."""
    rows = rows_of(kernel.values, groups, axes)
    again = None if kernel.again is None else partial(_rows_again, kernel.again, groups, axes)
    if groups == 1:
        return builder.weight(rows[0], f"{kernel.name}.matrix", affine, again=again)
    structure = BlockDiagonalAttr.of(rows.shape, BLOCK_DIAGONAL)
    return builder.weight(rows, f"{kernel.name}.blocks", affine, structure, again)


def _rows_again(values: Remake, groups: int, axes: list[int]) -> Array:
    rows = rows_of(values(), groups, axes)
    return rows[0] if groups == 1 else rows


def _affine(
    builder: DigitalBuilder, kernel: Kernel, scale: Array, zero: Array | None, groups: int, axes: list[int]
) -> str:
    """The int8 weight that stands for a dequantised kernel."""
    integers, zero = as_int8(kernel.values, zero)
    if integers is not kernel.values:
        kernel = replace(kernel, values=integers, again=None)
    scale_symbol = SymbolRefAttr(builder.weight(scale, f"{kernel.name}.scale"))
    zero_symbol = NoneType()
    if zero is not None and zero.any():
        zero_symbol = SymbolRefAttr(builder.weight(zero, f"{kernel.name}.zero"))
    return stored_rows(builder, kernel, groups, axes, AffineAttr(scale_symbol, zero_symbol))


def as_int8(values: Array, zero: Array | None) -> tuple[Array, Array | None]:
    """Integers and zero point of each output, int32: moved by the zero point where int8 holds that, or by 128."""
    if zero is not None and zero.any():
        moved = values.astype(np.int16) - zero.astype(np.int16).reshape(-1, *[1] * (values.ndim - 1))
        if moved.min() >= -128 and moved.max() <= 127:
            return moved.astype(np.int8), None
    if values.dtype == np.int8:
        return values, zero
    return (values ^ 0x80).view(np.int8), (np.zeros(len(values), np.int32) if zero is None else zero) - np.int32(128)
