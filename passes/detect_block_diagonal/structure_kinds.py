"""Says of each structured weight what it is part of: blocks alone, a Monarch product, a BLAST sum."""

from collections.abc import Iterator

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from dialects.attributes.structure import BANDED, BLAST, MONARCH, REPEATED, BlockDiagonalAttr
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, ReadOp, WeightOp
from dialects.network import Network
from passes.detect_block_diagonal.data_movement import is_movement
from passes.rewriting.multiplications import permuted_product


def name_kinds(network: Network) -> None:
    """Write the kind of each pair of factors into the structure of both weights."""
    for op in network.ops:
        if isinstance(op, MatmulOp) and _structure(op, network) is not None:
            for kind, first in ((MONARCH, permuted_product(op.x)), (BLAST, _coupled_product(op.x))):
                if first is not None and _structure(first, network) is not None:
                    for factor in (first, op):
                        _set_kind(network.weight(factor.symbol), kind)


def _structure(op: MatmulOp, network: Network) -> object | None:
    """The structure of its weight, unless that says what it is part of."""
    weight = network.weight(op.symbol)
    return None if weight.kind in (REPEATED, BANDED) else weight.structure


def _coupled_product(x: SSAValue) -> MatmulOp | None:
    """The multiplication whose blocks, each times a constant, are summed to `x`."""
    total = _moved_from(x)
    if not isinstance(total.owner, DigitalOp) or not total.owner.is_a("ReduceSum"):
        return None
    coupled = _moved_from(total.owner.inputs[0])
    if not isinstance(coupled.owner, DigitalOp) or not coupled.owner.is_a("Mul"):
        return None
    for factor in _activations(coupled.owner):
        owner = _moved_from(factor).owner
        if isinstance(owner, MatmulOp):
            return owner
    return None


def _activations(op: DigitalOp) -> Iterator[SSAValue]:
    return (v for v in op.inputs if not isinstance(v.owner, ConstantOp | ReadOp))


def _moved_from(value: SSAValue) -> SSAValue:
    while isinstance(value.owner, DigitalOp) and is_movement(value.owner):
        value = value.owner.inputs[0]
    return value


def _set_kind(weight: WeightOp, kind: str) -> None:
    structure = weight.structure
    if isinstance(structure, BlockDiagonalAttr):
        weight.structure = BlockDiagonalAttr.of(structure.data_shape, kind, structure.order_symbol)
    elif structure is not None:
        weight.structure = type(structure)(StringAttr(kind), structure.table)
