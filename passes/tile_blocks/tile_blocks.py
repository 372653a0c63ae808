"""Weights are cut into tiles that fit an array, and their multiplications become `array.multiply`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dialects.array import MultiplyOp
from dialects.cim import MatmulOp
from dialects.hardware import chip_of
from dialects.network import Network
from passes.rewriting.digital import replace
from passes.rewriting.multiplications import tiled_multiplies, tiles_of
from passes.rules import TILEABLE, require


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
    Needs integer multiplications (`quantize`); leaves everything else alone. A weight that others multiply by already
    keeps their tiles, and places.
    """

    name = "tile-blocks"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        require(op, TILEABLE, self.name)
        chip, network = chip_of(op), Network.of(ctx, op)
        tiled = {multiply.symbol: multiply for multiply in tiled_multiplies(network.block.ops)}
        for matmul in [o for o in network.block.ops if isinstance(o, MatmulOp)]:
            symbol = matmul.symbol
            known = tiled.get(symbol)
            tiles = tiles_of(network.weight(symbol), chip) if known is None else known.tiles.array
            multiply = MultiplyOp(matmul.x, symbol, tiles, matmul.result.type)
            multiply.places = None if known is None else known.places
            multiply.location = matmul.location
            block = matmul.parent
            assert block is not None
            block.insert_op_before(multiply, matmul)
            replace(matmul, multiply.result)
