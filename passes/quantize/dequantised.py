"""Activations that come out of `DequantizeLinear`, through data movement: their integers move on the same way."""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from dialects.cim import DigitalOp, NoneOp, PermuteOp
from dialects.element_types import element_type, f32, i8, ui8
from dialects.network import Network, shape_of
from passes.rewriting.constants.constants import constant_of
from passes.rewriting.digital import DigitalBuilder, with_element
from passes.rewriting.integer_products import optional

_MOVEMENTS = ("Reshape", "Transpose", "Gather", "Slice", "Pad", "Squeeze", "Unsqueeze", "Flatten")


@dataclass(frozen=True)
class Dequantised:
    """An activation that stands for `(integers - zero) * scale`, one float32 scale for the whole tensor."""

    operator: DigitalOp
    way: Sequence[DigitalOp | PermuteOp]
    """The operators that move its elements, in order."""

    @property
    def scale(self) -> SSAValue:
        return self.operator.inputs[1]

    @property
    def zero(self) -> SSAValue | None:
        """The zero point, of the type of the integers."""
        return optional(self.operator.inputs, 2)

    def integers(self, builder: DigitalBuilder, known: dict[SSAValue, SSAValue]) -> SSAValue:
        """The integers, moved like the floats; `known` has those of values that were asked for before."""
        x = self.operator.inputs[0]
        for step in self.way:
            result = step.results[0]
            if result not in known:
                known[result] = _moved(builder, step, x, self.zero)
            x = known[result]
        return x


def dequantised(x: SSAValue, network: Network) -> Dequantised | None:
    """What `x` is dequantised from; None where that is not how it is made."""
    way: list[DigitalOp | PermuteOp] = []
    owner = x.owner
    while isinstance(owner, PermuteOp) or (isinstance(owner, DigitalOp) and _only_moves(owner, network)):
        way.insert(0, owner)
        owner = owner.operands[0].owner
    if not isinstance(owner, DigitalOp) or not owner.is_a("DequantizeLinear"):
        return None
    q, scale = owner.inputs[0], owner.inputs[1]
    plain = shape_of(scale.type) in ((), (1,)) and element_type(scale.type) == f32
    return Dequantised(owner, way) if plain and element_type(q.type) in (ui8, i8) else None


def _only_moves(op: DigitalOp, network: Network) -> bool:
    """Whether an operator moves elements and does nothing else but put zeros beside them."""
    if not op.is_a(*_MOVEMENTS):
        return False
    value = optional(op.inputs, 2) if op.is_a("Pad") else None
    number = None if value is None else constant_of(value, network)
    return value is None or (number is not None and not number.any())


def _moved(builder: DigitalBuilder, step: DigitalOp | PermuteOp, x: SSAValue, zero: SSAValue | None) -> SSAValue:
    type_ = with_element(step.results[0].type, element_type(x.type))
    if isinstance(step, PermuteOp):
        return builder.add(PermuteOp(x, step.symbol, type_))
    others = list(step.inputs[1:])
    if step.is_a("Pad"):
        others[1:2] = [_border(builder, step, zero)]
    return builder.add(DigitalOp(step.op_type.data, [x, *others], [type_], step.setting))


def _border(builder: DigitalBuilder, pad: DigitalOp, zero: SSAValue | None) -> SSAValue:
    """What a `Pad` puts beside integers where it put zeros beside floats."""
    is_constant = pad.setting.get("mode") in (None, StringAttr("constant"))
    return builder.add(NoneOp()) if zero is None or not is_constant else builder.scalar(zero)
