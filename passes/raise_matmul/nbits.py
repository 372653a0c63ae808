"""`MatMulNBits`: a weight of a few bits, packed, with a scale for each block of rows."""

from dataclasses import dataclass

import numpy as np
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp
from dialects.element_types import Array
from dialects.network import Network, shape_of
from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.constants.constants import are_floats, constant_of
from passes.rewriting.digital import DigitalBuilder, check_vectors
from passes.rewriting.float_products import block_product
from passes.rewriting.integer_products import optional


@dataclass(frozen=True)
class Sizes:
    """What the attributes say of the weight: rows, columns, bits of a number, rows that share a scale."""

    rows: int
    columns: int
    bits: int
    block: int

    @staticmethod
    def of(op: DigitalOp) -> "Sizes | None":
        """None where the attributes make no sense, which ONNX Runtime says, where numbers are of more than 8 bits, or
        where they lie as some graphics processor wants them.
        """
        sizes = Sizes(
            integer(op.setting, "K", 0),
            integer(op.setting, "N", 0),
            integer(op.setting, "bits", 4),
            integer(op.setting, "block_size", 0),
        )
        is_sound = min(sizes.rows, sizes.columns, sizes.block) > 0 and 0 < sizes.bits <= 8
        is_sound &= not integer(op.setting, "weight_prepacked", 0)
        return sizes if is_sound else None

    @property
    def blocks(self) -> int:
        """Blocks of rows, the last perhaps not full."""
        return -(-self.rows // self.block)

    @property
    def nought(self) -> int:
        """The zero point of a weight that has none."""
        return 1 << (self.bits - 1)


@dataclass(frozen=True)
class RaiseMatMulNBits(RewritePattern):
    """`MatMulNBits(A, B, scales, zero_points, g_idx, bias)`, all but A constant, B `[N, blocks, bytes]`.

    Row k belongs to block `k / block_size`, or `g_idx[k]`: rows of a block are brought together, and A's elements too.
    How ONNX Runtime would round A (`accuracy_level`) is not copied: A is quantised like every activation. Packed zero
    points of 4 bits beside a `g_idx` are passed over, as ONNX Runtime 1.32 does, which takes the middle of the range.
    """

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        sizes = Sizes.of(op) if op.is_runtimes("MatMulNBits") and len(op.inputs) > 2 else None
        tensor = None if sizes is None else _weight(op, sizes, self.network)
        if sizes is None or tensor is None or tensor.scale is None or not are_floats(op.inputs[0], tensor.scale):
            return
        builder, x, bias = DigitalBuilder(self.network, op), op.inputs[0], optional(op.inputs, 5)
        if not shape_of(x.type) and optional(op.inputs, 4) is not None:
            return
        check_vectors(x, sizes.rows, op)
        y = block_product(builder, x, tensor.moved(lambda array: array[None]))
        if bias is not None:
            y = builder.elementwise("Add", y, bias)
        rewriter.replace(op, (), [y])


def _weight(op: DigitalOp, sizes: Sizes, network: Network) -> ConstantTensor | None:
    """The weight [K, N]; None where something of it is not constant, or of another size or layout."""
    given = [optional(op.inputs, index) for index in (1, 2, 3, 4)]
    packed, scale, zero, groups = (None if value is None else constant_of(value, network) for value in given)
    is_open = any(value is not None and array is None for value, array in zip(given, (packed, scale, zero, groups)))
    if is_open or packed is None or scale is None or packed.dtype != np.uint8:
        return None
    count, name = (sizes.columns, sizes.blocks), op.inputs[1].name_hint or "weight"
    bytes_of_block = -(-sizes.block * sizes.bits // 8)
    if packed.size != sizes.columns * sizes.blocks * bytes_of_block or scale.size != sizes.columns * sizes.blocks:
        return None
    if zero is not None and zero.dtype == np.uint8 and groups is not None and sizes.bits == _PASSED_OVER:
        zero = None
    zeros = np.full(count, sizes.nought, np.uint8) if zero is None else _zero_points(zero, sizes)
    block = _block_of_rows(groups, sizes)
    if zeros is None or block is None:
        return None
    zeros = zeros.astype(np.int32) if zeros.dtype == np.uint8 else zeros
    values = unpacked(packed.reshape(*count, bytes_of_block), sizes.bits, sizes.block)
    matrix = np.ascontiguousarray(values.reshape(sizes.columns, -1)[:, : sizes.rows].T)
    return ConstantTensor(matrix, name, scale=scale.reshape(count).T[block], zero_point=zeros.T[block])


_PASSED_OVER = 4
"""Bits of numbers whose packed zero points ONNX Runtime passes over where there is a `g_idx`."""


def _block_of_rows(groups: Array | None, sizes: Sizes) -> Array | None:
    """The block of each row, [K]; None if `g_idx` names others than there are."""
    if groups is None:
        return np.arange(sizes.rows) // sizes.block
    groups = groups.reshape(-1)[: sizes.rows].astype(np.int64)
    return groups if groups.size == sizes.rows and groups.min() >= 0 and groups.max() < sizes.blocks else None


def _zero_points(zero: Array, sizes: Sizes) -> Array | None:
    """Zero points [N, blocks]: packed like the weight, or floats."""
    count = (sizes.columns, sizes.blocks)
    if zero.dtype != np.uint8:
        return zero.reshape(count) if zero.dtype.kind == "f" and zero.size == sizes.columns * sizes.blocks else None
    size = -(-sizes.blocks * sizes.bits // 8)
    return (
        unpacked(zero.reshape(sizes.columns, size), sizes.bits, sizes.blocks) if zero.size == count[0] * size else None
    )


def unpacked(array: Array, bits: int, count: int) -> Array:
    """The first `count` numbers of `bits` bits that lie in the last axis of bytes, lowest bits first, as uint8."""
    if bits == 8:
        return array[..., :count]
    digits = np.unpackbits(array, axis=-1, count=count * bits, bitorder="little").reshape(
        *array.shape[:-1], count, bits
    )
    return np.packbits(digits, axis=-1, bitorder="little")[..., 0]
