"""Weights are cut into tiles that fit an array, and their multiplications become `array.multiply`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.cim import MatmulOp, WeightOp
from dialects.hardware import ChipAttr, chip_of
from dialects.network import Network
from passes.rewriting.digital import replace
from passes.rules import TILEABLE, require
from passes.tile_blocks.analysis.tiling import block_tiles, grid_tiles


@dataclass(frozen=True)
class TileBlocksPass(ModulePass):
    """Cut each weight, or each of its blocks, to the grid of the chip's array size; tiles at its end are smaller.

    Before, for arrays of 4x4:
    ```mlir
    %acc = cim.matmul %q, @w : tensor<?x4xui8> -> tensor<?x6xi32>
    ```
    After:
    ```mlir
    %acc = array.multiply %q, @w tiles <[[0, 0, 4, 4], [0, 4, 4, 2]]> : tensor<?x4xui8> -> tensor<?x6xi32>
    ```
    Needs integer multiplications (`quantize`); leaves everything else alone.
    """

    name = "tile-blocks"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        require(op, TILEABLE, self.name)
        chip, network = chip_of(op), Network.of(ctx, op)
        for matmul in [o for o in network.block.ops if isinstance(o, MatmulOp)]:
            symbol = matmul.symbol
            tiles = _tiles(network.weight(symbol), chip)
            multiply = MultiplyOp(matmul.x, symbol, tiles, matmul.result.type)
            multiply.location = matmul.location
            block = matmul.parent
            assert block is not None
            block.insert_op_before(multiply, matmul)
            replace(matmul, multiply.result)


def _tiles(weight: WeightOp, chip: ChipAttr) -> Table:
    """The tiles of each block, or of the whole matrix if it is dense."""
    if weight.structure is None:
        return grid_tiles(*weight.matrix_shape, chip.rows, chip.columns)
    return block_tiles(weight.structure.rectangles, chip.rows, chip.columns)
