"""Permutations move into weights, biases and each other, until one is left in each Monarch product."""

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp, PermuteOp
from dialects.network import main_block, shape_of, weight_named, weights_of
from dialects.notes import note_dense_weights, note_permutations
from dialects.weights import WeightStore, store_of
from passes.fold_permutations.dense_size import dense_size
from passes.fold_permutations.permutations import fold_into_producer, fold_into_users, hoisted
from passes.rewriting.constants import constant_of, is_float
from passes.rewriting.digital import DigitalBuilder, replace
from passes.rewriting.sweep import sweep


@dataclass(frozen=True)
class FoldPermutationsPass(ModulePass):
    """Fold each `cim.permute` into what is before or after it, where that is exact.

    Before: `cim.permute, cim.matmul @w1.blocks, cim.permute, cim.matmul @w2.blocks, cim.permute, Add`.
    After: `cim.matmul @w1.blocks, cim.permute, cim.matmul @w2.blocks` (its columns in another order), `Add`.
    Permutations of permutations become one, and so do equal ones of a value, identities none; rows and columns of
    dense weights are reordered, blocks and the rows in them too, biases and scales with them; a `Gather` of the last
    axis counts as a permutation. The permutation between two factors stays: M = (PLP) P (PRP) as in arXiv 2510.11192
    has one, the data's way from the arrays of one factor to those of the other. Leaves alone: what would have to be
    folded into two places, and weights of several multiplications that do not all have the same permutation.
    """

    name = "fold-permutations"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        store = store_of(ctx)
        _raise_gathers(op, store)
        note_permutations(op, _count(op))
        while any(_fold(one, op, store) for one in _permutes(op)):
            sweep(op)
        _merge_equal(op, store)
        sweep(op)
        note_dense_weights(op, dense_size(op))


def _count(module: ModuleOp) -> int:
    return len(_permutes(module))


def _permutes(module: ModuleOp) -> list[PermuteOp]:
    """The permutations of a network, in order."""
    return [one for one in main_block(module).ops if type(one) is PermuteOp]


def _raise_gathers(module: ModuleOp, store: WeightStore) -> None:
    """`Gather` of the last axis by constant indices is a permutation (or a choice) of elements."""
    for one in list(main_block(module).ops):
        if not isinstance(one, DigitalOp) or not one.is_a("Gather"):
            continue
        x, table = one.inputs[0], constant_of(one.inputs[1], weights_of(module), store)
        shape = shape_of(x.type)
        if not shape or table is None or table.ndim != 1 or shape[-1] < 0 or not table.size or not is_float(x):
            continue
        if (
            integer(one.setting, "axis", 0) in (-1, len(shape) - 1)
            and constant_of(x, weights_of(module), store) is None
        ):
            builder = DigitalBuilder(module, store, one)
            replace(one, builder.permute(x, table.astype(np.int64) % shape[-1], "gathered"))


def _merge_equal(module: ModuleOp, store: WeightStore) -> None:
    """Permutations of one value by equal tables are executed once."""
    known: dict[tuple[SSAValue, bytes], PermuteOp] = {}
    for one in main_block(module).ops:
        if isinstance(one, PermuteOp):
            table = weight_named(weights_of(module), one.table.root_reference.data).array(store)
            first = known.setdefault((one.x, table.tobytes()), one)
            if first is not one:
                one.result.replace_all_uses_with(first.result)


def _fold(permute: PermuteOp, module: ModuleOp, store: WeightStore) -> bool:
    """Fold one permutation if it can be; whether anything changed."""
    if permute.parent is None or not permute.result.uses:
        return False
    builder = DigitalBuilder(module, store, permute)
    table = weight_named(weights_of(module), permute.table.root_reference.data).array(store)
    shape = shape_of(permute.x.type)
    if shape and shape[-1] == len(table) and np.array_equal(table, np.arange(len(table))):
        permute.result.replace_all_uses_with(permute.x)
        return True
    if isinstance(permute.x.owner, PermuteOp):
        first = weight_named(weights_of(module), permute.x.owner.table.root_reference.data).array(store)
        replace(permute, builder.permute(permute.x.owner.x, first[table], "order"))
        return True
    new = fold_into_producer(permute, table, builder) or hoisted(permute, table, builder)
    if new is not None:
        replace(permute, new)
        return True
    return fold_into_users(permute, table, module, store)
