"""Permutations move into weights, biases and each other, until one is left in each Monarch product."""

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp, PermuteOp
from dialects.network import Network, shape_of
from dialects.notes import note_dense_weights, note_permutations
from passes.fold_permutations.dense_size import dense_size
from passes.fold_permutations.permutations import FoldIntoProducer, FoldIntoUsers, HoistOperator
from passes.rewriting.constants.constants import constant_of, is_float
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.patterns import rewrite, rewrite_first
from passes.rewriting.sweep import sweep


@dataclass(frozen=True)
class FoldPermutationsPass(ModulePass):
    """Fold each `cim.permute` into what is before or after it, where that is exact.

    Before:
    ```mlir
    cim.weight @order = dense<[1, 2, 0]> : tensor<3xi64>
    cim.weight @w = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
    %moved = cim.permute %x, @order : tensor<?x3xf32> -> tensor<?x3xf32>
    %y = cim.matmul %moved, @w : tensor<?x3xf32> -> tensor<?x2xf32>
    ```
    After:
    ```mlir
    cim.weight @w.ordered = dense<[[5.0, 6.0], [1.0, 2.0], [3.0, 4.0]]> : tensor<3x2xf32>
    %y = cim.matmul %x, @w.ordered : tensor<?x3xf32> -> tensor<?x2xf32>
    ```
    Permutations of permutations become one, and so do equal ones of a value, identities none; rows and columns of
    dense weights are reordered, blocks and the rows in them too, biases and scales with them; a `Gather` of the last
    axis counts as a permutation. The permutation between two factors stays: M = (PLP) P (PRP) as in arXiv 2510.11192
    has one, the data's way from the arrays of one factor to those of the other. Leaves alone: what would have to be
    folded into two places, and weights of several multiplications that do not all have the same permutation.
    Needs IR from before `schedule-arrays`.
    """

    name = "fold-permutations"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        network = Network.of(ctx, op)
        rewrite(network.ops, RaiseGather(network))
        note_permutations(op, len(_permutes(network)))
        steps = (DropIdentity, JoinPermutations, FoldIntoProducer, HoistOperator, FoldIntoUsers)
        patterns = [step(network) for step in steps]
        # One at a time, from the first again: what is swept gives up its name and leaves others a single user.
        while rewrite_first(
            (permute for permute in _permutes(network) if permute.result.first_use is not None), *patterns
        ):
            sweep(network)
        _merge_equal(network)
        sweep(network)
        note_dense_weights(op, dense_size(network))


def _permutes(network: Network) -> list[PermuteOp]:
    """The permutations of a network, in order."""
    return [op for op in network.ops if type(op) is PermuteOp]


def _merge_equal(network: Network) -> None:
    """Permutations of one value by equal tables are executed once. No pattern: it takes all that were before."""
    known: dict[tuple[SSAValue, Block | None, bytes], PermuteOp] = {}
    for op in network.ops:
        if isinstance(op, PermuteOp):
            table = network.array(op.symbol)
            first = known.setdefault((op.x, op.parent, table.tobytes()), op)
            if first is not op:
                op.result.replace_all_uses_with(first.result)


@dataclass(frozen=True)
class RaiseGather(RewritePattern):
    """`Gather` of the last axis by constant indices is a permutation (or a choice) of elements."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("Gather"):
            return
        x, table = op.inputs[0], constant_of(op.inputs[1], self.network)
        shape = shape_of(x.type)
        if not shape or table is None or table.ndim != 1 or shape[-1] < 0 or not table.size or not is_float(x):
            return
        if integer(op.setting, "axis", 0) not in (-1, len(shape) - 1) or constant_of(x, self.network) is not None:
            return
        indices = table.astype(np.int64) % shape[-1]
        rewriter.replace(op, (), [DigitalBuilder(self.network, op).permute(x, indices, "gathered")])


@dataclass(frozen=True)
class DropIdentity(RewritePattern):
    """A permutation that leaves all where it is."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter, /) -> None:
        table, shape = self.network.array(op.symbol), shape_of(op.x.type)
        if not shape or shape[-1] != len(table) or not np.array_equal(table, np.arange(len(table))):
            return
        rewriter.replace_all_uses_with(op.result, op.x)
        rewriter.erase(op)


@dataclass(frozen=True)
class JoinPermutations(RewritePattern):
    """A permutation of a permutation is one."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter, /) -> None:
        first = op.x.owner
        if not isinstance(first, PermuteOp):
            return
        table = self.network.array(first.symbol)[self.network.array(op.symbol)]
        rewriter.replace(op, (), [DigitalBuilder(self.network, op).permute(first.x, table, "order")])
