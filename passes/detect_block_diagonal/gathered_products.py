"""Products by equal blocks whose inputs are gathered for each: what an unrolled convolution is."""

import numpy as np
from xdsl.ir import SSAValue

from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.structure import REPEATED, BlockDiagonalAttr
from dialects.cim import MatmulOp, WeightOp
from dialects.element_types import Array
from dialects.semantics.weight_values import scale_of
from passes.detect_block_diagonal.analysis.gathered_blocks import NONE, GatheredBlocks
from passes.rewriting.digital import DigitalBuilder


def product_of_gathered(builder: DigitalBuilder, op: MatmulOp, weight: WeightOp, gathered: GatheredBlocks) -> SSAValue:
    """Gather the rows of each block (a zero where it needs none), multiply, put the columns where they belong."""
    symbol, (inputs, outputs) = weight.symbol, weight.matrix_shape
    rows, columns = gathered.rows.reshape(-1), gathered.columns.reshape(-1)
    x = op.x
    if (rows == NONE).any():
        x, rows = builder.pad_last(x, 1), np.where(rows == NONE, inputs, rows)
    x = builder.permute(x, rows, f"{symbol}.rows")
    structure = BlockDiagonalAttr.of(gathered.blocks.shape, REPEATED)
    stored = builder.weight(gathered.blocks, f"{symbol}.blocks", _affine(builder, weight, columns), structure)
    y = builder.matmul(x, stored, len(columns))
    empty = np.setdiff1d(np.arange(outputs, dtype=np.int64), columns)
    if len(empty):
        y = builder.pad_last(y, len(empty))
    place = np.zeros(outputs, np.int64)
    place[columns[columns != NONE]] = np.flatnonzero(columns != NONE)
    place[empty] = np.arange(len(columns), len(columns) + len(empty))
    return builder.permute(y, place, f"{symbol}.columns")


def _affine(builder: DigitalBuilder, weight: WeightOp, columns: Array) -> AffineAttr | None:
    """The scale of the blocks' columns, any number for those that are of no use."""
    scale = scale_of(weight, builder.network)
    if scale is None:
        return None
    return AffineAttr.of(builder.weight(scale[np.maximum(columns, 0)], f"{weight.symbol}.blocks.scale"))
