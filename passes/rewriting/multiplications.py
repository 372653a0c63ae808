"""The multiplications of a network: pairs of factors, those in arrays, and the tiles that weights are cut into."""

from collections.abc import Iterable

from xdsl.ir import Operation, SSAValue

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.cim import MatmulOp, PermuteOp, WeightOp
from dialects.hardware import ChipAttr
from passes.analysis.tiling import block_tiles, grid_tiles


def tiled_multiplies(ops: Iterable[Operation]) -> list[MultiplyOp]:
    """The multiplications among `ops` by tiles of a weight."""
    return [op for op in ops if type(op) is MultiplyOp]  # faster than to ask for a class


def tiles_of(weight: WeightOp, chip: ChipAttr) -> Table:
    """The tiles of each block of a weight, or of the whole matrix if it is dense."""
    if weight.structure is None:
        return grid_tiles(*weight.matrix_shape, chip.rows, chip.columns)
    return block_tiles(weight.structure.rectangles, chip.rows, chip.columns)


def permuted_product(x: SSAValue) -> MatmulOp | None:
    """The multiplication whose result, in another order, is `x`."""
    if not isinstance(x.owner, PermuteOp):
        return None
    owner = x.owner.x.owner
    return owner if isinstance(owner, MatmulOp) else None
