"""Dequantised blocks as integers that arrays hold, and what is left to do digitally: scales of rows, sums over blocks.

`y[b, n] = sum over k of x[b, k] * (q[b, k, n] - z[b, k, n]) * s[b, k, n]`. Arrays multiply by int8 numbers with a scale
per column. So zero points become part of the integers where int8 holds the difference; a scale that is one number for
each row, times one for each column, is half one of the input; and blocks whose scale changes every so many rows are
cut there, their products being summed afterwards.
"""

from dataclasses import dataclass
from functools import reduce
from math import gcd

import numpy as np

from dialects.element_types import Array
from passes.rewriting.constants.constant_tensors import ConstantTensor

FEWEST_ROWS = 2
"""Rows that share a scale, at least, for blocks to be cut: a scale for each number is no scale."""
_ROUNDING = 1e-6
"""How far a product of two float32 scales is from the scale that it was rounded to, relatively."""


@dataclass(frozen=True)
class ScaledBlocks:
    """Blocks of int8 with a scale per column.

    `values` is int8 [blocks * groups, rows, out]: `groups` successive ones are the rows of a block, with rows of zeros
    after the last. `scale` is [blocks * groups, out], and so is `zero_point`, int32, where the integers have one yet.
    Zero points that are not whole leave an `offset` of that shape, which times the sum of a block's inputs is to be
    subtracted from the product. Inputs are to be multiplied by `rows` [blocks, in] first.
    """

    values: Array
    scale: Array
    zero_point: Array | None = None
    offset: Array | None = None
    groups: int = 1
    rows: Array | None = None


def scaled_blocks(tensor: ConstantTensor) -> ScaledBlocks | None:
    """Integers [blocks, in, out] with their scales, as arrays take them; None where no such form has those integers."""
    scale = tensor.scale
    assert scale is not None, f"{tensor.name} has no scale"
    if tensor.values.strides[1] == 0 and tensor.shape[1] > 1:
        return None  # one row, repeated: times a column of scales, it is a structure of the floats
    integers, rest = _integers(tensor)
    if _is_one_a_column(scale) and (rest is None or _is_one_a_column(rest)):
        return _with_columns(np.ascontiguousarray(integers), scale[:, 0], None if rest is None else rest[:, 0])
    factors = _outer_product(scale) if rest is None else None
    if factors is not None:
        rows, columns = factors
        return ScaledBlocks(np.ascontiguousarray(integers), columns, rows=rows)
    size = reduce(gcd, (change for array in (scale, rest) if array is not None for change in _changes(array)), 0)
    if size < FEWEST_ROWS:
        return None
    return _cut(integers, scale, rest, size)


def _integers(tensor: ConstantTensor) -> tuple[Array, Array | None]:
    """int8 numbers, and the zero points that are left of them: none where these became part of the numbers."""
    wide, zero = tensor.values.astype(np.int16), tensor.zero_point
    whole = np.zeros((), np.int16) if zero is None else np.rint(zero).astype(np.int16)
    moved = wide - whole
    if moved.min() < -128 or moved.max() > 127:
        whole = np.int16(128 if tensor.values.dtype == np.uint8 else 0)
        moved = wide - whole
    rest = np.broadcast_to((0 if zero is None else zero) - whole, wide.shape)
    return moved.astype(np.int8), rest if rest.any() else None


def _is_one_a_column(array: Array) -> bool:
    return array.strides[1] == 0 or bool((array == array[:, :1]).all())


def _with_columns(values: Array, scale: Array, rest: Array | None, groups: int = 1) -> ScaledBlocks:
    """Blocks whose zero points, where some are left, are one a column: whole ones stay with the integers."""
    scale = np.ascontiguousarray(scale)
    if rest is None:
        return ScaledBlocks(values, scale, groups=groups)
    if (rest == np.rint(rest)).all():
        return ScaledBlocks(values, scale, np.ascontiguousarray(rest).astype(np.int32), groups=groups)
    return ScaledBlocks(values, scale, offset=rest.astype(scale.dtype) * scale, groups=groups)


def _outer_product(scale: Array) -> tuple[Array, Array] | None:
    """Factors [blocks, in] and [blocks, out] whose products are the scales, up to rounding."""
    if scale.strides[2] == 0 or (scale == scale[:, :, :1]).all():
        return np.ascontiguousarray(scale[:, :, 0]), np.ones(scale.shape[::2], scale.dtype)
    columns = scale[:, :1]
    if not columns[:, :, 0].all():
        return None
    rows = scale[:, :, :1] / columns[:, :, :1]
    if not np.allclose(rows * columns, scale, rtol=_ROUNDING, atol=0):
        return None
    return np.ascontiguousarray(rows[:, :, 0]), np.ascontiguousarray(columns[:, 0])


def _changes(array: Array) -> list[int]:
    """The rows where numbers differ from those of the row before."""
    if array.strides[1] == 0:
        return []
    return [int(row) + 1 for row in np.flatnonzero((array[:, 1:] != array[:, :-1]).any(axis=(0, 2)))]


def _cut(integers: Array, scale: Array, rest: Array | None, size: int) -> ScaledBlocks:
    """Blocks cut every `size` rows."""
    blocks, rows, out = integers.shape
    groups = -(-rows // size)
    padded = np.zeros((blocks, groups * size, out), np.int8)
    padded[:, :rows] = integers
    scale = scale[:, ::size].reshape(blocks * groups, out)
    rest = None if rest is None else rest[:, ::size].reshape(blocks * groups, out)
    return _with_columns(padded.reshape(blocks * groups, size, out), scale, rest, groups)
