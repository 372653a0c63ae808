"""How many weights a network would have if all that it multiplies by were dense matrices."""

from xdsl.dialects.builtin import ModuleOp

from dialects.cim import MatmulOp
from dialects.network import main_block, weight_named, weights_of
from passes.rewriting.multiplications import permuted_product


def dense_size(module: ModuleOp) -> int:
    """Elements of the matrices that the network multiplies by: a Monarch product is one, from its input to its output.

    A weight that several multiplications share counts once.
    """
    weights = weights_of(module)
    matmuls = [op for op in main_block(module).ops if isinstance(op, MatmulOp)]
    structured = {op for op in matmuls if weight_named(weights, op.weight.root_reference.data).structure is not None}
    pairs = {op: first for op in matmuls if (first := permuted_product(op.x)) is not None and first in structured}
    firsts = set(pairs.values())
    sizes: dict[tuple[str, ...], int] = {}
    for op in matmuls:
        if op not in firsts:
            factors = [pairs[op], op] if op in pairs else [op]
            names = tuple(factor.weight.root_reference.data for factor in factors)
            shapes = [weight_named(weights, name).matrix_shape for name in names]
            sizes[names] = shapes[0][0] * shapes[-1][1]
    return sum(sizes.values())
