"""The network's inputs and outputs as a program names them."""

from xdsl.ir import SSAValue

from cimc.emitter.ranges import integer_range
from cimc.emitter.slots import Slots
from cimc.program.metadata import Input, Shape, Value
from dialects.element_types import element_type, numpy_element
from dialects.network import Network, Port, shape_of


def network_inputs(network: Network, slots: Slots) -> list[Input]:
    """The inputs, with the range of integers that make sense for them."""
    return [_input(value, port, slots) for value, port in network.inputs]


def network_outputs(network: Network, slots: Slots) -> list[Value]:
    """The outputs."""
    return [Value(port.name, _dtype(value), _shape(value, port), slots.of(value)) for value, port in network.outputs]


def _input(value: SSAValue, port: Port, slots: Slots) -> Input:
    low, high = integer_range(value) or (None, None)
    shape = _shape(value, port)
    slides = tuple(axis for axis in port.slides if axis < len(shape or ()))
    return Input(port.name, _dtype(value), shape, slots.of(value), low, high, slides)


def _dtype(value: SSAValue) -> str:
    dtype = numpy_element(element_type(value.type))
    return "string" if dtype is None else dtype.name


def _shape(value: SSAValue, port: Port) -> Shape | None:
    shape = shape_of(value.type)
    if shape is None:
        return None
    names = port.dims or ("",) * len(shape)
    return tuple(size if size >= 0 else (name or None) for size, name in zip(shape, names))
