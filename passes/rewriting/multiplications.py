"""The multiplications of a network: pairs of factors, those in arrays, and the tiles that weights are cut into."""

from collections.abc import Iterable

import numpy as np
from xdsl.ir import Operation, SSAValue

from dialects.array import MultiplyOp
from dialects.attributes.structure import BLOCK_DIAGONAL, ROW_GROUPS, BlockDiagonalAttr
from dialects.attributes.tables import Table
from dialects.cim import MatmulOp, PermuteOp, WeightOp
from dialects.element_types import Array
from dialects.hardware import ChipAttr
from dialects.network import Network
from passes.analysis.tiling import block_tiles, grid_tiles


def tiled_multiplies(ops: Iterable[Operation]) -> list[MultiplyOp]:
    """The multiplications among `ops` by tiles of a weight."""
    return [op for op in ops if type(op) is MultiplyOp]  # faster than to ask for a class


def tiles_of(weight: WeightOp, network: Network, chip: ChipAttr) -> Table:
    """The tiles of each block of a weight, or of the whole matrix if it is dense."""
    if weight.structure is None:
        return grid_tiles(*weight.matrix_shape, chip.rows, chip.columns)
    return block_tiles(blocks_of(weight, network), chip.rows, chip.columns)


def blocks_of(weight: WeightOp, network: Network) -> Table:
    """What arrays hold of a weight: its blocks (first row, first column, rows, columns); a dense one is one block.

    Blocks that are no factors of another weight need not have the size that they are stored in: rows of zeros at their
    end, with which the last of several groups of rows is filled up, are no part of a tile.
    """
    if weight.structure is None:
        return np.array([[0, 0, *weight.matrix_shape]], np.int64)
    rectangles = weight.structure.rectangles
    if isinstance(weight.structure, BlockDiagonalAttr) and weight.kind in (BLOCK_DIAGONAL, ROW_GROUPS):
        rectangles = _without_last_zeros(rectangles, weight.array(network.store))
    return rectangles


def _without_last_zeros(rectangles: Table, blocks: Array) -> Table:
    """Rectangles of blocks [blocks, rows, columns] up to the last row with a number in it; of a zero block, all."""
    shorter = rectangles.copy()
    for block in np.flatnonzero(~blocks[:, -1].any(axis=-1)):
        filled = np.flatnonzero(blocks[block].any(axis=-1))
        if filled.size:
            shorter[block, 2] = filled[-1] + 1
    return shorter


def permuted_product(x: SSAValue) -> MatmulOp | None:
    """The multiplication whose result, in another order, is `x`."""
    if not isinstance(x.owner, PermuteOp):
        return None
    owner = x.owner.x.owner
    return owner if isinstance(owner, MatmulOp) else None
