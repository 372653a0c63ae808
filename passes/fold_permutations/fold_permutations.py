"""Permutations move into weights, biases and each other, until one is left in each Monarch product."""

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp, PermuteOp
from dialects.network import Network, shape_of
from dialects.notes import note_dense_weights, note_permutations
from passes.fold_permutations.dense_size import dense_size
from passes.fold_permutations.permutations import fold_into_producer, fold_into_users, hoisted
from passes.rewriting.constants import constant_of, is_float
from passes.rewriting.digital import DigitalBuilder, replace
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
    """

    name = "fold-permutations"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        network = Network.of(ctx, op)
        _raise_gathers(network)
        note_permutations(op, len(_permutes(network)))
        while any(_fold(one, network) for one in _permutes(network)):
            sweep(network)
        _merge_equal(network)
        sweep(network)
        note_dense_weights(op, dense_size(network))


def _permutes(network: Network) -> list[PermuteOp]:
    """The permutations of a network, in order."""
    return [one for one in network.block.ops if type(one) is PermuteOp]


def _raise_gathers(network: Network) -> None:
    """`Gather` of the last axis by constant indices is a permutation (or a choice) of elements."""
    for one in list(network.block.ops):
        if not isinstance(one, DigitalOp) or not one.is_a("Gather"):
            continue
        x, table = one.inputs[0], constant_of(one.inputs[1], network)
        shape = shape_of(x.type)
        if not shape or table is None or table.ndim != 1 or shape[-1] < 0 or not table.size or not is_float(x):
            continue
        if integer(one.setting, "axis", 0) in (-1, len(shape) - 1) and constant_of(x, network) is None:
            builder = DigitalBuilder(network, one)
            replace(one, builder.permute(x, table.astype(np.int64) % shape[-1], "gathered"))


def _merge_equal(network: Network) -> None:
    """Permutations of one value by equal tables are executed once."""
    known: dict[tuple[SSAValue, bytes], PermuteOp] = {}
    for one in network.block.ops:
        if isinstance(one, PermuteOp):
            table = network.array(one.symbol)
            first = known.setdefault((one.x, table.tobytes()), one)
            if first is not one:
                one.result.replace_all_uses_with(first.result)


def _fold(permute: PermuteOp, network: Network) -> bool:
    """Fold one permutation if it can be; whether anything changed."""
    if permute.parent is None or not permute.result.uses:
        return False
    builder = DigitalBuilder(network, permute)
    table = network.array(permute.symbol)
    shape = shape_of(permute.x.type)
    if shape and shape[-1] == len(table) and np.array_equal(table, np.arange(len(table))):
        permute.result.replace_all_uses_with(permute.x)
        return True
    if isinstance(permute.x.owner, PermuteOp):
        first = network.array(permute.x.owner.symbol)
        replace(permute, builder.permute(permute.x.owner.x, first[table], "order"))
        return True
    new = fold_into_producer(permute, table, builder) or hoisted(permute, table, builder)
    if new is not None:
        replace(permute, new)
        return True
    return fold_into_users(permute, table, network)
