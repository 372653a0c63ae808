"""Dense weights that are not: block-diagonal under some order of rows and columns, or exactly a product of two such."""

from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.structure import (
    BANDED,
    BLOCK_DIAGONAL,
    REPEATED,
    SPARSE,
    BlockDiagonalAttr,
    BlocksAttr,
    RectanglesAttr,
)
from dialects.cim import MatmulOp, WeightOp
from dialects.element_types import Array
from dialects.hardware import MODULE_KEY, ChipAttr, chip_of
from dialects.locations import node_name
from dialects.network import Network, shape_of
from dialects.notes import LayerNotes
from dialects.semantics.weight_values import scale_of, zero_point_of
from passes.analysis.blocks import identity
from passes.detect_block_diagonal.analysis.bands import banded_blocks
from passes.detect_block_diagonal.analysis.block_extraction import extract_blocks
from passes.detect_block_diagonal.analysis.block_structure import (
    BlockStructure,
    almost_blocks,
    find_matrix_blocks,
    nonzeros,
)
from passes.detect_block_diagonal.analysis.gathered_blocks import GatheredBlocks, gathered_blocks
from passes.detect_block_diagonal.analysis.monarch_products import find_monarch_product
from passes.detect_block_diagonal.analysis.repetition import Cut, block_cost, repeated_blocks
from passes.detect_block_diagonal.analysis.shuffled_repetition import shuffled_blocks
from passes.detect_block_diagonal.blocks_in_place import product_in_place
from passes.detect_block_diagonal.gathered_products import product_of_gathered
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.monarch import monarch_product

LARGEST_LONE_BLOCK = 7 / 8
"""Of a weight's numbers, what its only block may hold: a head that shares its weight with an embedding has an empty
column for padding, which is no structure."""
FEW = 64
"""Blocks that take so many times less than their weight are not worth a look for others."""
SPREAD_LIMIT = 4
"""Groups of a sparse weight are laid down the diagonal of a matrix at most this many times as large as the weight."""


@dataclass(frozen=True, eq=False)
class BlockColumn:
    """Columns of a sparse weight that are stored together, with all rows that any of them needs."""

    rows: Array
    columns: Array


@dataclass(frozen=True)
class StructureDense(RewritePattern):
    """The product by blocks that replaces a multiplication by a dense weight; what almost has a structure is noted."""

    network: Network
    prune_below: float
    notes: LayerNotes

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatmulOp, rewriter: PatternRewriter, /) -> None:
        weight = self.network.weight(op.symbol)
        matrix = None if weight.structure is not None else _about_zero(weight, self.network)
        if matrix is None:
            return
        pruned = self._pruned(matrix, weight)
        blocks = _worth_it(find_matrix_blocks(pruned), matrix)
        if not shape_of(op.x.type) or (blocks is not None and not blocks.blocks):
            return
        stored = matrix.size if blocks is None else blocks.stored
        builder = DigitalBuilder(self.network, op)
        chip = chip_of(self.network.module) if MODULE_KEY in self.network.module.attributes else None
        equal = None if chip is None else _repeated(pruned, blocks, chip)
        band = None if chip is None or equal is not None else banded_blocks(pruned, chip.rows, chip.columns)
        self._note_almost(op, pruned, min([stored, *(c.cells for c in (equal, band) if c is not None)]))
        if isinstance(equal, GatheredBlocks):
            rewriter.replace(op, (), [product_of_gathered(builder, op, weight, equal)])
            return
        if equal is not None:
            rewriter.replace(op, (), [product_in_place(builder, op, weight, pruned, equal, REPEATED)])
            return
        product = None
        if blocks is None or len(blocks.blocks) == 1 or (band is not None and 2 * band.cells <= stored):
            product = _irregular(builder, op, weight, matrix, pruned, stored, band)
        if product is None and blocks is not None:
            product = _block_product(builder, op, weight, matrix, blocks)
        if product is not None:
            rewriter.replace(op, (), [product])

    def _pruned(self, matrix: Array, weight: WeightOp) -> Array:
        """The matrix less what is too small to count."""
        if self.prune_below <= 0:
            return matrix
        scale = scale_of(weight, self.network)
        values = matrix if scale is None else matrix * scale
        return np.where(np.abs(values) < self.prune_below, 0, matrix).astype(matrix.dtype)

    def _note_almost(self, op: MatmulOp, pruned: Array, stored: int) -> None:
        """Note the structure that a weight would have but for a few numbers, if it stored less."""
        self.notes.look_at(node_name(op))
        almost = almost_blocks(pruned)
        if almost is not None and almost.structure.stored < stored:
            self.notes.add(node_name(op), almost=str(almost))


def _repeated(pruned: Array, blocks: BlockStructure | None, chip: ChipAttr) -> Cut | GatheredBlocks | None:
    """The blocks of a matrix of which many are equal, if no other structure stores less; else None."""
    cut = repeated_blocks(pruned, chip.rows, chip.columns)
    gathered = (
        None if cut is not None and FEW * cut.cells <= pruned.size else gathered_blocks(pruned, chip.rows, chip.columns)
    )
    if gathered is not None and cut is not None:
        cost = block_cost(chip.rows, chip.columns)
        gathered = gathered if gathered.cost(cost) < cut.cost(cost) else None
    best = gathered or cut or shuffled_blocks(pruned, chip.rows, chip.columns)
    if best is None or (blocks is not None and len(blocks.blocks) > 1 and _different(pruned, blocks) <= best.cells):
        return None
    if best.cells <= sum(pruned.shape):  # no product of two matrices has fewer numbers
        return best
    product = find_monarch_product(pruned)
    return best if product is None or product.stored > best.cells else None


def _different(matrix: Array, structure: BlockStructure) -> int:
    """How many weights the blocks hold, equal ones counted once."""
    parts = [matrix[np.ix_(block.rows, block.columns)] for block in structure.blocks]
    return sum({identity(part): part.size for part in parts}.values())


def _worth_it(blocks: BlockStructure | None, matrix: Array) -> BlockStructure | None:
    """The blocks, unless there is only one that is nearly all of the matrix: it would be put in order for nothing."""
    if blocks is None or len(blocks.blocks) != 1 or blocks.stored <= LARGEST_LONE_BLOCK * matrix.size:
        return blocks
    return None


def _irregular(
    builder: DigitalBuilder,
    op: MatmulOp,
    weight: WeightOp,
    matrix: Array,
    pruned: Array,
    stored: int,
    band: Cut | None,
) -> SSAValue | None:
    """The product of a matrix without other blocks, if it is a Monarch product, banded or sparse enough; else None.

    What takes fewer weights wins; but a band needs no permutations, which are worth a number an element. `pruned` is
    the matrix less what is too small to count; small numbers that are stored anyway stay as they are.
    """
    groups, product = _extracted(pruned, chip_of(builder.network.module)), find_monarch_product(pruned)
    sparse = stored if groups is None else sum(len(g.rows) * len(g.columns) for g in groups)
    if band is not None and band.cells <= min(stored, sparse + sum(matrix.shape)):
        sparse, groups = min(sparse, band.cells), None
    else:
        band = None
    if product is not None and product.stored < min(stored, sparse + 1):
        w1, w2 = (factor.astype(matrix.dtype) for factor in (product.w1, product.w2))
        return monarch_product(builder, op.x, w1, w2, matrix.shape[1], weight.symbol)
    if band is not None:
        return product_in_place(builder, op, weight, pruned, band, BANDED)
    return _sparse_product(builder, op, weight, matrix, groups) if groups is not None and sparse < stored else None


def _extracted(matrix: Array, chip: ChipAttr) -> list[BlockColumn] | None:
    """Groups of columns with the rows they need, if these take fewer arrays than the whole matrix; else None."""
    mask = nonzeros(matrix)
    if np.count_nonzero(mask) * 2 > mask.size:
        return None
    blocks = extract_blocks(mask, chip.rows, chip.columns)
    if blocks is None:
        return None
    rows: dict[bytes, list[Array]] = {}
    columns: dict[bytes, Array] = {}
    for block in blocks:
        key = block.columns.tobytes()
        rows.setdefault(key, []).append(block.rows)
        columns[key] = block.columns
    groups = [BlockColumn(np.concatenate(parts), columns[key]) for key, parts in rows.items()]
    spread = sum(len(g.rows) for g in groups) * sum(len(g.columns) for g in groups)
    return groups if spread <= SPREAD_LIMIT * matrix.size else None


def _sparse_product(
    builder: DigitalBuilder, op: MatmulOp, weight: WeightOp, matrix: Array, groups: list[BlockColumn]
) -> SSAValue:
    """Gather for each group of columns the rows that it needs, multiply, put the columns where they belong."""
    symbol = weight.symbol
    used: Array = np.concatenate([group.columns for group in groups])
    empty: Array = np.setdiff1d(np.arange(matrix.shape[1], dtype=np.int64), used)
    x = builder.permute(op.x, np.concatenate([group.rows for group in groups]), f"{symbol}.rows")
    parts = [np.ascontiguousarray(matrix[np.ix_(group.rows, group.columns)]) for group in groups]
    affine = _reordered_affine(builder, weight, used)
    y = builder.matmul(x, _stored_parts(builder, parts, f"{symbol}.blocks", affine, SPARSE), len(used))
    if len(empty):
        y = builder.pad_last(y, len(empty))
    return builder.permute(y, np.argsort(np.concatenate([used, empty])), f"{symbol}.columns")


def _about_zero(weight: WeightOp, network: Network) -> Array | None:
    """The stored numbers less their zero point, so that zero means zero; None where int8 cannot hold them."""
    matrix, zero = weight.array(network.store), zero_point_of(weight, network)
    if zero is None:
        return matrix
    moved = matrix.astype(np.int16) - zero
    return moved.astype(np.int8) if moved.min(initial=0) >= -128 and moved.max(initial=0) <= 127 else None


def _block_product(
    builder: DigitalBuilder, op: MatmulOp, weight: WeightOp, matrix: Array, structure: BlockStructure
) -> SSAValue:
    """Gather the rows block by block, multiply, put the columns where they belong (and zeros where there are none)."""
    symbol = weight.symbol
    rows, columns = structure.row_order(matrix.shape[0]), structure.column_order(matrix.shape[1])
    used_rows = sum(len(block.rows) for block in structure.blocks)
    used_columns = sum(len(block.columns) for block in structure.blocks)
    x = builder.permute(op.x, rows[:used_rows], f"{symbol}.rows")
    affine = _reordered_affine(builder, weight, columns[:used_columns])
    name = _stored_blocks(builder, matrix, structure, f"{symbol}.blocks", affine)
    y = builder.matmul(x, name, used_columns)
    if used_columns < len(columns):
        y = builder.pad_last(y, len(columns) - used_columns)
    return builder.permute(y, np.argsort(columns), f"{symbol}.columns")


def _stored_blocks(
    builder: DigitalBuilder, matrix: Array, structure: BlockStructure, name: str, affine: AffineAttr | None
) -> str:
    """The symbol of a weight that holds only the blocks: as a tensor of equal ones, or as a matrix with a table."""
    parts = [np.ascontiguousarray(matrix[np.ix_(block.rows, block.columns)]) for block in structure.blocks]
    if structure.uniform is not None:
        attribute = BlockDiagonalAttr.of(structure.uniform, BLOCK_DIAGONAL)
        return builder.weight(np.stack(parts), name, affine, attribute)
    return _stored_parts(builder, parts, name, affine, BLOCK_DIAGONAL)


def _stored_parts(builder: DigitalBuilder, parts: list[Array], name: str, affine: AffineAttr | None, kind: str) -> str:
    """The symbol of a weight of blocks of different shapes, down the diagonal of a matrix."""
    sizes = np.array([part.shape for part in parts], np.int64)
    firsts = np.cumsum(sizes, axis=0) - sizes
    compact = np.zeros(tuple(sizes.sum(axis=0)), parts[0].dtype)
    for part, (row, column) in zip(parts, firsts.tolist()):
        compact[row : row + part.shape[0], column : column + part.shape[1]] = part
    table = RectanglesAttr.of(np.concatenate([firsts, sizes], axis=1))
    return builder.weight(compact, name, affine, BlocksAttr(StringAttr(kind), table))


def _reordered_affine(builder: DigitalBuilder, weight: WeightOp, columns: Array) -> AffineAttr | None:
    """The scale of the columns in their new order; the zero point is part of the numbers by now."""
    scale = scale_of(weight, builder.network)
    if scale is None:
        return None
    symbol = builder.weight(np.ascontiguousarray(scale[columns]), f"{weight.symbol}.blocks.scale")
    return AffineAttr.of(symbol)
