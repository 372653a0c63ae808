"""The numbers that a weight stands for: its integers, and the floats that scale and zero point make of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dialects.cim import WeightOp
from dialects.element_types import Array
from dialects.network import Network


def scale_of(weight: WeightOp, network: Network) -> Array | None:
    """The scale per output column, [out]; None for a weight that is not scaled."""
    if weight.affine is None:
        return None
    return network.array(weight.affine.scale_symbol)


def zero_point_of(weight: WeightOp, network: Network) -> Array | None:
    """The zero point per output column, int32 [out]; None where it is 0."""
    symbol = None if weight.affine is None else weight.affine.zero_point_symbol
    return None if symbol is None else network.array(symbol)


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


def stored_matrix(weight: WeightOp, network: Network) -> StoredMatrix:
    """The stored numbers of a weight."""
    return StoredMatrix(weight.array(network.store))


def column_order(weight: WeightOp, network: Network) -> Array | None:
    """`order` int64 [out]: column j of the blocks is column `order[j]` of the matrix; None where that is j itself."""
    symbol = None if weight.structure is None else weight.structure.order_symbol
    return None if symbol is None else network.array(symbol)


def ordered(columns: Array, order: Array | None) -> Array:
    """An array whose last axis is in the order of the blocks' columns, in the order of the matrix's."""
    if order is None:
        return columns
    placed = np.empty_like(columns)
    placed[..., order] = columns
    return placed


def integer_matrix(weight: WeightOp, network: Network) -> Array:
    """The stored numbers as the matrix [in, out] that the network multiplies by."""
    return ordered(stored_matrix(weight, network).expanded(), column_order(weight, network))


def float_weight(weight: WeightOp, network: Network, dtype: np.dtype[Any]) -> Array:
    """`(w - zero_point) * scale` in `dtype`, [in, out]; 0 outside of blocks."""
    data = StoredMatrix(float_blocks(weight, network, dtype))
    return ordered(data.expanded(), column_order(weight, network))


def float_blocks(weight: WeightOp, network: Network, dtype: np.dtype[Any]) -> Array:
    """`(w - zero_point) * scale` in `dtype`, as it is stored: [in, out], or blocks [blocks, rows, columns]."""
    data, order = weight.array(network.store), column_order(weight, network)
    columns = (
        a if a is None or order is None else a[order]
        for a in (scale_of(weight, network), zero_point_of(weight, network))
    )
    scale, zero_point = (a if a is None or data.ndim == 2 else a.reshape(len(data), 1, -1) for a in columns)
    floats = (data if zero_point is None else data.astype(np.int32) - zero_point).astype(dtype)
    return floats if scale is None else floats * scale.astype(dtype)
