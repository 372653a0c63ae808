"""Block-diagonal structure is found in every disguise, and written on the weights."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dialects.network import Network
from dialects.notes import LayerNotes
from passes.detect_block_diagonal.analysis.choices import NO_PRUNING, check_pruning
from passes.detect_block_diagonal.block_products import BLOCK_PRODUCTS
from passes.detect_block_diagonal.dense_structure import StructureDense
from passes.detect_block_diagonal.structure_kinds import name_kinds
from passes.detect_block_diagonal.vectors import straighten
from passes.rewriting.patterns import rewrite
from passes.rewriting.sweep import sweep


@dataclass(frozen=True)
class DetectBlockDiagonalPass(ModulePass):
    """Give every multiplication whose weight is block-diagonal, in whatever disguise, a weight of blocks.

    Before:
    ```mlir
    cim.weight @w = dense<[[0.0, 2.0, 0.0, 1.0], [5.0, 0.0, 6.0, 0.0], [0.0, 4.0, 0.0, 3.0], [7.0, 0.0, 8.0, 0.0]]>
        : tensor<4x4xf32>
    %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32>
    ```
    After:
    ```mlir
    cim.weight @w.blocks = dense<[[[2.0, 1.0], [4.0, 3.0]], [[5.0, 6.0], [7.0, 8.0]]]> : tensor<2x2x2xf32>
        structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
    %0 = cim.permute %x, @w.rows : tensor<?x4xf32> -> tensor<?x4xf32>
    %1 = cim.matmul %0, @w.blocks : tensor<?x4xf32> -> tensor<?x4xf32>
    %y = cim.permute %1, @w.columns : tensor<?x4xf32> -> tensor<?x4xf32>
    ```
    A dense weight may have blocks under some order of its rows and columns, as here, or be exactly a product of two
    such matrices. Batched products (`Reshape, Transpose, MatMul [4, 64, 64], Transpose, Reshape`), einsums and grouped
    convolutions become vectors times blocks; chains of data movement between them become one `cim.permute`, or
    nothing. Detection is exact: a weight that is almost structured stays dense, unless `prune-below` allows small
    values to be dropped.
    Needs IR from before `schedule-arrays`.
    """

    name = "detect-block-diagonal"
    prune_below: float | int = NO_PRUNING
    """Weights of a smaller magnitude count as zero (0: none)."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_pruning(self.prune_below)
        network = Network.of(ctx, op)
        rewrite(network.ops, *(product(network) for product in BLOCK_PRODUCTS))
        notes = LayerNotes("almost")
        rewrite(network.ops, StructureDense(network, float(self.prune_below), notes))
        notes.write(op)
        straighten(network)
        name_kinds(network)
        sweep(network)
