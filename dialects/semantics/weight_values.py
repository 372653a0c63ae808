"""The numbers that a weight stands for: its integers, and the floats that scale and zero point make of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects.builtin import NoneType

from dialects.cim import WeightOp
from dialects.element_types import Array
from dialects.network import weight_named
from dialects.weights import WeightStore


def scale_of(weight: WeightOp, weights: dict[str, WeightOp], store: WeightStore) -> Array | None:
    """The scale per output column, [out]; None for a weight that is not scaled."""
    if weight.affine is None:
        return None
    return weight_named(weights, weight.affine.scale.root_reference.data).array(store)


def zero_point_of(weight: WeightOp, weights: dict[str, WeightOp], store: WeightStore) -> Array | None:
    """The zero point per output column, int32 [out]; None where it is 0."""
    if weight.affine is None or isinstance(weight.affine.zero_point, NoneType):
        return None
    return weight_named(weights, weight.affine.zero_point.root_reference.data).array(store)


@dataclass(frozen=True)
class StoredMatrix:
    """The stored numbers of a weight, addressed as a matrix [in, out] whose columns are in the order of the blocks.

    `data` is the matrix itself, or the blocks [blocks, rows, columns] of a block-diagonal one.
    """

    data: Array

    @property
    def shape(self) -> tuple[int, int]:
        if self.data.ndim == 3:
            blocks, rows, columns = self.data.shape
            return blocks * rows, blocks * columns
        return self.data.shape[0], self.data.shape[1]

    def tile(self, row: int, column: int, rows: int, columns: int) -> Array:
        """The numbers of a rectangle, which must lie inside of one block; a view."""
        if self.data.ndim == 2:
            return self.data[row : row + rows, column : column + columns]
        block, first_row = divmod(row, self.data.shape[1])
        other, first_column = divmod(column, self.data.shape[2])
        assert block == other, f"a tile at ({row}, {column}) lies outside the blocks"
        return self.data[block, first_row : first_row + rows, first_column : first_column + columns]

    def expanded(self) -> Array:
        """The whole matrix [in, out], zeros included."""
        if self.data.ndim == 2:
            return self.data
        blocks, rows, columns = self.data.shape
        matrix = np.zeros(self.shape, self.data.dtype)
        for b in range(blocks):
            matrix[b * rows : (b + 1) * rows, b * columns : (b + 1) * columns] = self.data[b]
        return matrix


def stored_matrix(weight: WeightOp, store: WeightStore) -> StoredMatrix:
    """The stored numbers of a weight."""
    return StoredMatrix(weight.array(store))


def column_order(weight: WeightOp, weights: dict[str, WeightOp], store: WeightStore) -> Array | None:
    """`order` int64 [out]: column j of the blocks is column `order[j]` of the matrix; None where that is j itself."""
    symbol = None if weight.structure is None else weight.structure.order_symbol
    return None if symbol is None else weight_named(weights, symbol).array(store)


def ordered(columns: Array, order: Array | None) -> Array:
    """An array whose last axis is in the order of the blocks' columns, in the order of the matrix's."""
    if order is None:
        return columns
    placed = np.empty_like(columns)
    placed[..., order] = columns
    return placed


def integer_matrix(weight: WeightOp, weights: dict[str, WeightOp], store: WeightStore) -> Array:
    """The stored numbers as the matrix [in, out] that the network multiplies by."""
    return ordered(stored_matrix(weight, store).expanded(), column_order(weight, weights, store))


def float_weight(weight: WeightOp, weights: dict[str, WeightOp], store: WeightStore, dtype: np.dtype[Any]) -> Array:
    """`(w - zero_point) * scale` in `dtype`, [in, out]."""
    array = integer_matrix(weight, weights, store)
    scale, zero_point = scale_of(weight, weights, store), zero_point_of(weight, weights, store)
    if zero_point is not None:
        array = array.astype(np.int32) - zero_point
    floats = array.astype(dtype)
    return floats if scale is None else floats * scale.astype(dtype)
