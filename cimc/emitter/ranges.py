"""Which integers make sense as an input: those that index a table, so that made-up token ids are not out of range."""

from xdsl.ir import Operation, SSAValue

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp
from dialects.element_types import element_type, numpy_element
from dialects.network import shape_of

_TRANSPARENT = ("Cast", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Identity")


def integer_range(value: SSAValue) -> tuple[int, int] | None:
    """[low, high) of an integer input that picks rows of tables of known length; None for other inputs."""
    dtype = numpy_element(element_type(value.type))
    if dtype is None or dtype.kind not in "iu":
        return None
    lengths = list(_table_lengths(value))
    return (0, min(lengths)) if lengths else None


def _table_lengths(value: SSAValue) -> list[int]:
    lengths: list[int] = []
    pending = [value]
    while pending:
        for use in pending.pop().uses:
            op = use.operation
            if not isinstance(op, DigitalOp):
                continue
            if op.is_a("Gather") and use.index == 1:
                shape = shape_of(op.inputs[0].type)
                length = -1 if not shape else shape[integer(op.setting, "axis", 0)]
                if length > 0 and _comes_from_constant(op.inputs[0]):
                    lengths.append(length)
            elif op.is_a(*_TRANSPARENT) and use.index == 0:
                pending.append(op.outputs[0])
    return lengths


def _comes_from_constant(value: SSAValue) -> bool:
    """Whether a table is a constant, or a constant that is dequantised."""
    pending, seen = [value], {value}
    while pending:
        owner = pending.pop().owner
        if not isinstance(owner, Operation) or owner.regions:
            return False  # an argument, or what control flow or another kernel computed
        if isinstance(owner, DigitalOp) and not owner.inputs:
            return False
        new = [operand for operand in owner.operands if operand not in seen]
        seen.update(new)
        pending += new
    return True
