"""How many weights a network would have if all that it multiplies by were dense matrices."""

from dialects.attributes.structure import BANDED, DENSE, REPEATED, ROW_GROUPS, BlockDiagonalAttr
from dialects.cim import MatmulOp, PermuteOp, WeightOp
from dialects.network import Network, shape_of
from passes.rewriting.multiplications import permuted_product


def dense_size(network: Network) -> int:
    """Elements of the matrices that the network multiplies by: a Monarch product is one, from its input to its output.

    A weight that several multiplications share counts once, and so does an element that blocks which repeat share.
    """
    matmuls = [op for op in network.ops if isinstance(op, MatmulOp)]
    kinds = {op: network.weight(op.symbol).kind for op in matmuls}
    structured = {op for op in matmuls if kinds[op] not in (DENSE, REPEATED, BANDED, ROW_GROUPS)}
    pairs = {op: first for op in matmuls if (first := permuted_product(op.x)) is not None and first in structured}
    firsts = set(pairs.values())
    sizes: dict[tuple[str, ...], int] = {}
    for op in matmuls:
        if op not in firsts:
            factors = [pairs[op], op] if op in pairs else [op]
            names = tuple(factor.symbol for factor in factors)
            shapes = [_shape(network.weight(name)) for name in names]
            rows = _gathered(factors[0]) if kinds[factors[0]] == REPEATED else None
            sizes[names] = (rows or shapes[0][0]) * shapes[-1][1]
    return sum(sizes.values())


def _shape(weight: WeightOp) -> tuple[int, int]:
    """Inputs and outputs of a weight; groups of rows have the same outputs."""
    if weight.kind != ROW_GROUPS or not isinstance(weight.structure, BlockDiagonalAttr):
        return weight.matrix_shape
    groups, rows, columns = weight.structure.data_shape
    return groups * rows, columns


def _gathered(op: MatmulOp) -> int | None:
    """Of how many elements those that a multiplication reads are gathered; None if they are not."""
    shape = shape_of(op.x.owner.x.type) if isinstance(op.x.owner, PermuteOp) else None
    return shape[-1] if shape and shape[-1] > 0 else None
