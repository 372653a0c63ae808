"""Control flow as a program has it: the values that go into bodies, from one iteration to the next, and out."""

from collections.abc import Sequence
from itertools import islice

from xdsl.dialects.builtin import NoneType
from xdsl.ir import Attribute, SSAValue

from cimc.emitter.slots import Slots
from cimc.program.control_flow.controls import Branch, Carried, Control, Loop, Merged, Sliced, Stacked
from dialects.array import ControlOp
from dialects.attributes.onnx_attributes import integer, integers
from dialects.element_types import element_type, numpy_element
from dialects.locations import node_name
from dialects.network import shape_of


def control_of(op: ControlOp, slots: Slots) -> Control:
    """The loop or branch that an operation of control flow is."""
    match op.op_type.data:
        case "If":
            return _branch(op, slots)
        case "Loop":
            return _loop(op, slots)
        case _:
            return _scan(op, slots)


def _branch(op: ControlOp, slots: Slots) -> Branch:
    ends = (block.last_op for block in op.in_order)
    then, otherwise = ([slots.of(value) for value in end.operands] for end in ends if end is not None)
    merged = tuple(Merged(a, b, slots.of(result)) for a, b, result in zip(then, otherwise, op.outputs))
    return Branch(node_name(op), slots.of(op.inputs[0]), merged)


def _ports(op: ControlOp) -> tuple[Sequence[SSAValue], Sequence[SSAValue]]:
    """The values that the body of a loop begins and ends with."""
    (block,) = op.in_order
    assert block.last_op is not None
    return block.args, block.last_op.operands


def _carried(
    slots: Slots,
    initials: Sequence[SSAValue],
    begins: Sequence[SSAValue],
    ends: Sequence[SSAValue],
    finals: Sequence[SSAValue],
) -> tuple[Carried, ...]:
    quadruples = zip(initials, begins, ends, finals)
    return tuple(Carried(*(slots.of(value) for value in values)) for values in quadruples)


def _loop(op: ControlOp, slots: Slots) -> Loop:
    begins, ends = _ports(op)
    trips, condition = (None if isinstance(v.type, NoneType) else slots.of(v) for v in islice(op.inputs, 2))
    carried = _carried(slots, op.inputs[2:], begins[2:], ends[1:], op.outputs)
    stacked = zip(ends[1 + len(carried) :], op.outputs[len(carried) :])
    return Loop(
        node_name(op),
        trips,
        condition,
        slots.of(begins[0]),
        slots.of(begins[1]),
        (_is_vector(begins[0].type), _is_vector(begins[1].type)),
        slots.of(ends[0]),
        carried,
        (),
        tuple(_stacked(slots, end, whole, 0, False) for end, whole in stacked),
    )


def _scan(op: ControlOp, slots: Slots) -> Loop:
    begins, ends = _ports(op)
    states = len(op.inputs) - integer(op.setting, "num_scan_inputs", 0)
    inputs, outputs = len(begins) - states, len(ends) - states
    axes, backwards = _directions(op, "input", inputs)
    axes_out, backwards_out = _directions(op, "output", outputs)
    sliced = [
        Sliced(slots.of(whole), slots.of(begin), axis % max(1, len(shape_of(whole.type) or ())), bool(reverse))
        for whole, begin, axis, reverse in zip(op.inputs[states:], begins[states:], axes, backwards)
    ]
    stacked = [
        _stacked(slots, end, whole, axis % (1 + len(shape_of(end.type) or ())), bool(reverse))
        for end, whole, axis, reverse in zip(ends[states:], op.outputs[states:], axes_out, backwards_out)
    ]
    return Loop(
        node_name(op),
        carried=_carried(slots, op.inputs[:states], begins, ends, op.outputs[:states]),
        sliced=tuple(sliced),
        stacked=tuple(stacked),
    )


def _directions(op: ControlOp, side: str, count: int) -> tuple[Sequence[int], Sequence[int]]:
    """Axis and direction of each value that a `Scan` goes through, or makes."""
    axes, directions = (integers(op.setting, f"scan_{side}_{name}") for name in ("axes", "directions"))
    return axes or [0] * count, directions or [0] * count


def _stacked(slots: Slots, end: SSAValue, whole: SSAValue, axis: int, reverse: bool) -> Stacked:
    dtype, shape = numpy_element(element_type(end.type)), shape_of(end.type) or ()
    sizes = tuple(None if size < 0 else size for size in shape)
    return Stacked(slots.of(end), slots.of(whole), axis, reverse, "string" if dtype is None else dtype.name, sizes)


def _is_vector(type_: Attribute) -> bool:
    return len(shape_of(type_) or ()) == 1
