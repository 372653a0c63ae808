"""Dense weights that are not: block-diagonal under some order of rows and columns, or exactly a product of two such."""

import numpy as np
from xdsl.dialects.builtin import ModuleOp, NoneType, StringAttr, SymbolRefAttr
from xdsl.ir import SSAValue

from dialects.cim import AffineAttr, MatmulOp, WeightOp
from dialects.element_types import Array
from dialects.network import shape_of, weight_named, weights_of
from dialects.semantics.weight_values import scale_of, zero_point_of
from dialects.structure import BLOCK_DIAGONAL, BlockDiagonalAttr, BlocksAttr
from dialects.tables import TableAttr
from dialects.weights import WeightStore
from passes.analysis.block_structure import BlockStructure, find_matrix_blocks
from passes.analysis.monarch_products import find_monarch_product
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.monarch import monarch_product


def structure_dense(op: MatmulOp, module: ModuleOp, store: WeightStore, prune_below: float) -> SSAValue | None:
    """The product by blocks that replaces a multiplication by a dense weight; None where it has no structure."""
    weights = weights_of(module)
    weight = weight_named(weights, op.weight.root_reference.data)
    if weight.structure is not None:
        return None
    matrix = _about_zero(weight, weights, store)
    if matrix is None:
        return None
    blocks = find_matrix_blocks(matrix if prune_below == 0 else np.where(np.abs(matrix) < prune_below, 0, matrix))
    builder = DigitalBuilder(module, store, op)
    if blocks is not None and blocks.blocks:
        return _block_product(builder, op, weight, matrix, blocks)
    product = find_monarch_product(matrix) if shape_of(op.x.type) else None
    if product is None:
        return None
    w1, w2 = (factor.astype(matrix.dtype) for factor in (product.w1, product.w2))
    name, contiguous = weight.sym_name.data, product.contiguous_outputs
    return monarch_product(builder, op.x, w1, w2, matrix.shape[1], name, contiguous)


def _about_zero(weight: WeightOp, weights: dict[str, WeightOp], store: WeightStore) -> Array | None:
    """The stored numbers less their zero point, so that zero means zero; None where int8 cannot hold them."""
    matrix, zero = weight.array(store), zero_point_of(weight, weights, store)
    if zero is None:
        return matrix
    moved = matrix.astype(np.int16) - zero
    return moved.astype(np.int8) if moved.min(initial=0) >= -128 and moved.max(initial=0) <= 127 else None


def _block_product(
    builder: DigitalBuilder, op: MatmulOp, weight: WeightOp, matrix: Array, found: BlockStructure
) -> SSAValue:
    """Gather the rows block by block, multiply, put the columns where they belong (and zeros where there are none)."""
    symbol = weight.sym_name.data
    rows, columns = found.row_order(matrix.shape[0]), found.column_order(matrix.shape[1])
    used_rows = sum(len(block.rows) for block in found.blocks)
    used_columns = sum(len(block.columns) for block in found.blocks)
    x = builder.permute(op.x, rows[:used_rows], f"{symbol}.rows")
    affine = _reordered_affine(builder, weight, columns[:used_columns])
    name = _stored_blocks(builder, matrix, found, f"{symbol}.blocks", affine)
    y = builder.matmul(x, name, used_columns)
    if used_columns < len(columns):
        y = builder.pad_last(y, len(columns) - used_columns)
    return builder.permute(y, np.argsort(columns), f"{symbol}.columns")


def _stored_blocks(
    builder: DigitalBuilder, matrix: Array, found: BlockStructure, name: str, affine: AffineAttr | None
) -> str:
    """The symbol of a weight that holds only the blocks: as a tensor of equal ones, or as a matrix with a table."""
    parts = [np.ascontiguousarray(matrix[np.ix_(block.rows, block.columns)]) for block in found.blocks]
    if found.uniform is not None:
        structure = BlockDiagonalAttr.of(found.uniform, BLOCK_DIAGONAL)
        return builder.weight(np.stack(parts), name, affine, structure)
    sizes = np.array([part.shape for part in parts], np.int64)
    firsts = np.cumsum(sizes, axis=0) - sizes
    compact = np.zeros(tuple(sizes.sum(axis=0)), matrix.dtype)
    for part, (row, column) in zip(parts, firsts.tolist()):
        compact[row : row + part.shape[0], column : column + part.shape[1]] = part
    table = TableAttr.of(np.concatenate([firsts, sizes], axis=1))
    return builder.weight(compact, name, affine, BlocksAttr(StringAttr(BLOCK_DIAGONAL), table))


def _reordered_affine(builder: DigitalBuilder, weight: WeightOp, columns: Array) -> AffineAttr | None:
    """The scale of the columns in their new order; the zero point is part of the numbers by now."""
    scale = scale_of(weight, weights_of(builder.module), builder.store)
    if scale is None:
        return None
    symbol = builder.weight(np.ascontiguousarray(scale[columns]), f"{weight.sym_name.data}.blocks.scale")
    return AffineAttr(SymbolRefAttr(symbol), NoneType())
