"""The multiplications of a network: pairs of factors, and those in arrays once there are tiles."""

from collections.abc import Iterable

from xdsl.ir import Operation, SSAValue

from dialects.array import MultiplyOp
from dialects.cim import MatmulOp, PermuteOp


def tiled_multiplies(ops: Iterable[Operation]) -> list[MultiplyOp]:
    """The multiplications among `ops` by tiles of a weight."""
    return [op for op in ops if type(op) is MultiplyOp]  # faster than to ask for a class


def permuted_product(x: SSAValue) -> MatmulOp | None:
    """The multiplication whose result, in another order, is `x`."""
    if not isinstance(x.owner, PermuteOp):
        return None
    owner = x.owner.x.owner
    return owner if isinstance(owner, MatmulOp) else None
