"""Products by groups of rows that are added up: so `raise-matmul` writes weights with a scale for some rows each."""

from dataclasses import dataclass

import numpy as np

from dialects.attributes.onnx_attributes import integer, integers
from dialects.attributes.structure import BlockDiagonalAttr
from dialects.cim import DigitalOp, MatmulOp
from dialects.network import Network, shape_of
from dialects.semantics.weight_values import scale_of
from passes.quantize.float_weights import StoredIntegers
from passes.rewriting.constants.constants import constant_of


@dataclass(frozen=True)
class SummedGroups:
    """The integers of a weight that is cut into groups of rows, and what follows the multiplication by it."""

    weight: StoredIntegers
    split: DigitalOp
    """Cuts the product into one for each group."""
    total: DigitalOp
    """The sum of these."""


def summed_groups(matmul: MatmulOp, network: Network) -> SummedGroups | None:
    """The groups whose products are added up right after a multiplication; None where that is not what is done.

    Nor where integers have zero points, which would have to be corrected before the sum.
    """
    weight = network.weight(matmul.symbol)
    structure, scale = weight.structure, scale_of(weight, network)
    if not isinstance(structure, BlockDiagonalAttr) or structure.order_symbol is not None or scale is None:
        return None
    split, (groups, _, columns) = _only_user(matmul), structure.data_shape
    total = None if split is None or not split.is_a("Reshape") else _only_user(split)
    if split is None or total is None or weight.affine is None or weight.affine.zero_point_symbol is not None:
        return None
    before, after = (shape_of(op.outputs[0].type) for op in (split, total))
    if before is None or before[-2:] != (groups, columns) or after != (*before[:-2], columns):
        return None
    if len(before) != len(shape_of(matmul.result.type) or ()) + 1 or not _adds_groups(total, network, len(before)):
        return None
    values = weight.array(network.store)
    sums = values.sum(axis=1, dtype=np.int32)
    scales = scale.astype(np.float32).reshape(groups, columns)
    return SummedGroups(StoredIntegers(weight.symbol, scales, sums, None), split, total)


def _only_user(op: MatmulOp | DigitalOp) -> DigitalOp | None:
    """The operator that takes an operation's only result, if nothing else does."""
    users = [use.operation for use in op.results[0].uses]
    user = users[0] if len(users) == 1 and len(op.results) == 1 else None
    return user if isinstance(user, DigitalOp) and user.parent is op.parent else None


def _adds_groups(op: DigitalOp, network: Network, rank: int) -> bool:
    """Whether it is the sum over the last axis but one."""
    if not op.is_a("ReduceSum") or integer(op.setting, "keepdims", 1):
        return False
    given = constant_of(op.inputs[1], network) if len(op.inputs) > 1 else None
    axes = integers(op.setting, "axes") if given is None else given.tolist()
    return axes in ([-2], [rank - 2])
