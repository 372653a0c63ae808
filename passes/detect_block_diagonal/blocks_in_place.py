"""Products by blocks that stay where they are in their matrix, or in that matrix put in order."""

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.structure import BlocksAttr, RectanglesAttr
from dialects.cim import MatmulOp, WeightOp
from dialects.element_types import Array
from dialects.semantics.weight_values import scale_of
from passes.detect_block_diagonal.analysis.repetition import Cut
from passes.rewriting.digital import DigitalBuilder


def product_in_place(
    builder: DigitalBuilder, op: MatmulOp, weight: WeightOp, matrix: Array, cut: Cut, kind: str
) -> SSAValue:
    """The product by the same matrix [in, out], cut into blocks of this kind, in another order if these have one.

    `matrix` are the weight's numbers less its zero point, 0 outside of the blocks.
    """
    structure = BlocksAttr(StringAttr(kind), RectanglesAttr.of(cut.rectangles))
    symbol, order, scale = weight.symbol, cut.order, scale_of(weight, builder.network)
    affine = None if weight.affine is None else AffineAttr.of(weight.affine.scale_symbol)
    if order is not None:
        matrix = matrix[np.ix_(order.rows, order.columns)]
        if scale is not None:
            affine = AffineAttr.of(builder.weight(scale[order.columns], f"{symbol}.blocks.scale"))
    x = op.x if order is None else builder.permute(op.x, order.rows, f"{symbol}.rows")
    stored = builder.weight(np.ascontiguousarray(matrix), f"{symbol}.blocks", affine, structure)
    y = builder.matmul(x, stored, matrix.shape[1])
    return y if order is None else builder.permute(y, np.argsort(order.columns), f"{symbol}.columns")
