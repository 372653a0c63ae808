"""Vectors that a table gathers from an image, as convolutions have them: what is done for pixels, and not per vector.

An image is quantised before it is gathered, if one scale is for all of it, so that its bytes move and not its floats.
Where each vector has a scale, its range and its sum are those of its pixels' ranges and sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from dialects.attributes.onnx_attributes import integer, integers
from dialects.cim import DigitalOp
from dialects.element_types import element_type
from dialects.network import Network, shape_of
from passes.rewriting.constants.constants import constant_of
from passes.rewriting.digital import DigitalBuilder, with_element, with_last


@dataclass(frozen=True)
class Gathered:
    """Vectors [..., positions, points x channels] of an `image` [..., pixels, channels], elements in any order."""

    image: SSAValue
    gather: DigitalOp
    joining: Sequence[DigitalOp]
    """What makes vectors of gathered pixels, in order."""
    points: Sequence[int]
    """The dimensions of the kernel points in what is gathered."""

    def vectors(self, builder: DigitalBuilder, image: SSAValue) -> SSAValue:
        """The vectors of another image of this shape."""
        for step in (self.gather, *self.joining):
            type_ = with_element(step.outputs[0].type, element_type(image.type))
            image = builder.add(DigitalOp(step.op_type.data, [image, *step.inputs[1:]], [type_], step.setting))
        return image

    def reduced(self, builder: DigitalBuilder, op_type: str, image: SSAValue) -> SSAValue:
        """`ReduceMin`, `ReduceMax` or `ReduceSum` over each vector of an image of this shape: [..., positions, 1]."""
        pixels = builder.reduce_last(op_type, image)
        type_ = with_last(with_element(self.gather.outputs[0].type, element_type(image.type)), 1)
        pixels = builder.add(DigitalOp("Gather", [pixels, self.gather.inputs[1]], [type_], self.gather.setting))
        return builder.reduce(op_type, pixels, self.points)


def gathered(vectors: SSAValue, network: Network) -> Gathered | None:
    """How `vectors` are gathered from an image; None where they are not, or in another way."""
    joining: list[DigitalOp] = []
    owner = vectors.owner
    while isinstance(owner, DigitalOp) and owner.is_a("Reshape", "Transpose"):
        joining.insert(0, owner)
        owner = owner.inputs[0].owner
    if not isinstance(owner, DigitalOp) or not owner.is_a("Gather"):
        return None
    table, shape = (shape_of(value.type) for value in (owner.inputs[1], owner.outputs[0]))
    axis, image = integer(owner.setting, "axis", 0), shape_of(owner.inputs[0].type)
    if not table or len(table) % 2 or shape is None or image is None or axis < 1 or len(image) != axis + 2:
        return None
    leading = axis + len(table) // 2
    if not all(_keeps(step, leading, network) for step in joining) or len(shape_of(vectors.type) or ()) != leading + 1:
        return None
    return Gathered(owner.inputs[0], owner, joining, range(leading, leading + len(table) // 2))


def _keeps(step: DigitalOp, leading: int, network: Network) -> bool:
    """Whether the first `leading` dimensions stay as they are."""
    if step.is_a("Transpose"):
        return (integers(step.setting, "perm") or [])[:leading] == list(range(leading))
    shape = constant_of(step.inputs[1], network)
    return shape is not None and len(shape) > leading and not shape[:leading].any()
