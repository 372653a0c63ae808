"""Weights are cut into tiles that fit an array, and their multiplications become `array.multiply`."""

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.array import MultiplyOp
from dialects.cim import MatmulOp
from dialects.hardware import ChipAttr, chip_of
from dialects.network import Network
from passes.rewriting.multiplications import tiled_multiplies, tiles_of
from passes.rewriting.patterns import rewrite
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
    %acc = array.multiply %q by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
    } : tensor<?x4xui8> -> tensor<?x6xi32>
    ```
    Needs integer multiplications (`quantize`); leaves everything else alone. A weight that others multiply by already
    keeps their tiles, format and places.
    """

    name = "tile-blocks"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        require(op, TILEABLE, self.name)
        chip, network = chip_of(op), Network.of(ctx, op)
        tiled = {multiply.symbol: multiply for multiply in tiled_multiplies(network.ops)}
        rewrite(network.ops, TileBlocks(network, chip, tiled))


@dataclass(frozen=True)
class TileBlocks(RewritePattern):
    """`cim.matmul` -> `array.multiply` with the tiles of its weight, those of `tiled` where it is among them."""

    network: Network
    chip: ChipAttr
    tiled: Mapping[str, MultiplyOp]

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatmulOp, rewriter: PatternRewriter, /) -> None:
        known = self.tiled.get(op.symbol)
        tiles = (
            tiles_of(self.network.weight(op.symbol), self.network, self.chip) if known is None else known.tiles.array
        )
        multiply = MultiplyOp(op.x, op.symbol, tiles, op.result.type)
        multiply.input_bits = op.input_bits
        if known is not None:
            multiply.places, multiply.format = known.places, known.format
            multiply.copies, multiply.load = known.copies, known.load
        rewriter.replace(op, multiply)
