"""How many weights a network would have if all that it multiplies by were dense matrices."""

from dialects.cim import MatmulOp
from dialects.network import Network
from passes.rewriting.multiplications import permuted_product


def dense_size(network: Network) -> int:
    """Elements of the matrices that the network multiplies by: a Monarch product is one, from its input to its output.

    A weight that several multiplications share counts once.
    """
    matmuls = [op for op in network.ops if isinstance(op, MatmulOp)]
    structured = {op for op in matmuls if network.weight(op.symbol).structure is not None}
    pairs = {op: first for op in matmuls if (first := permuted_product(op.x)) is not None and first in structured}
    firsts = set(pairs.values())
    sizes: dict[tuple[str, ...], int] = {}
    for op in matmuls:
        if op not in firsts:
            factors = [pairs[op], op] if op in pairs else [op]
            names = tuple(factor.symbol for factor in factors)
            shapes = [network.weight(name).matrix_shape for name in names]
            sizes[names] = shapes[0][0] * shapes[-1][1]
    return sum(sizes.values())
