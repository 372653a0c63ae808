"""Products by blocks that stay where they are in their matrix: their vectors need no other order."""

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.structure import BlocksAttr, RectanglesAttr
from dialects.attributes.tables import Table
from dialects.cim import MatmulOp, WeightOp
from dialects.element_types import Array
from passes.rewriting.digital import DigitalBuilder


def product_in_place(
    builder: DigitalBuilder, op: MatmulOp, weight: WeightOp, matrix: Array, rectangles: Table, kind: str
) -> SSAValue:
    """The product by the same matrix [in, out], whose blocks of this kind are `rectangles`.

    `matrix` are the weight's numbers less its zero point, 0 outside of the rectangles.
    """
    structure = BlocksAttr(StringAttr(kind), RectanglesAttr.of(rectangles))
    affine = None if weight.affine is None else AffineAttr.of(weight.affine.scale_symbol)
    symbol = builder.weight(np.ascontiguousarray(matrix), f"{weight.symbol}.blocks", affine, structure)
    return builder.matmul(op.x, symbol, matrix.shape[1])
