"""The multiplications of a network: pairs of factors, and those in arrays once there are tiles."""

from collections.abc import Iterable

from xdsl.ir import Operation, SSAValue

from dialects.array import MultiplyOp
from dialects.cim import MatmulOp, PermuteOp
from dialects.errors import UserError
from dialects.locations import node_name

_MULTIPLICATIONS = (MatmulOp, MultiplyOp)
"""Most operations are none of them, and to ask for a type is faster than for a class."""


def tiled_multiplies(ops: Iterable[Operation]) -> list[MultiplyOp]:
    """The multiplications among `ops` by tiles of a weight; UserError for one that was not cut into tiles yet."""
    found: list[MultiplyOp] = []
    for op in ops:
        if type(op) not in _MULTIPLICATIONS:
            continue
        if isinstance(op, MatmulOp):
            raise UserError(f"node {node_name(op)!r} has no tiles: run tile-blocks first")
        if isinstance(op, MultiplyOp):
            found.append(op)
    return found


def permuted_product(x: SSAValue) -> MatmulOp | None:
    """The multiplication whose result, in another order, is `x`."""
    if not isinstance(x.owner, PermuteOp):
        return None
    owner = x.owner.x.owner
    return owner if isinstance(owner, MatmulOp) else None
