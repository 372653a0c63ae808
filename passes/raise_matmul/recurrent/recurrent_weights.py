"""Weights of recurrent operators, a matrix for each direction: plain floats, or integers with scale and zero point."""

from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp, ReadOp
from dialects.element_types import Array, element_type, tensor_type
from dialects.network import Network, shape_of
from passes.rewriting.constants.constants import BYTES, constant_of, turned
from passes.rewriting.digital import DigitalBuilder, with_element, with_last
from passes.rewriting.integer_products import optional


@dataclass(frozen=True)
class Factor:
    """A matrix [in, columns] that stands for `(values - zero) * scale`, both of one number or one a column."""

    values: Array
    name: str
    scale: Array | None = None
    zero: Array | None = None

    def columns(self, first: int, last: int) -> "Factor":
        """Some of its columns."""
        scale, zero = (
            numbers if numbers is None or numbers.ndim == 0 else numbers[first:last]
            for numbers in (self.scale, self.zero)
        )
        values = np.ascontiguousarray(self.values[:, first:last])
        return Factor(values, f"{self.name}.{first}", scale, zero)

    def product(self, builder: DigitalBuilder, x: SSAValue) -> SSAValue:
        """`x` times it, as ONNX writes it; whoever raises multiplications looks at it next."""
        matrix = builder.constant(self.values, self.name)
        if self.scale is not None:
            inputs = [matrix, builder.constant(self.scale, f"{self.name}.scale")]
            if self.zero is not None:
                inputs.append(builder.constant(self.zero, f"{self.name}.zero"))
            type_ = with_element(matrix.type, element_type(inputs[1].type))
            matrix = builder.op("DequantizeLinear", inputs, type_, axis=1)
        return builder.op("MatMul", [x, matrix], with_last(x.type, self.values.shape[1]))


def plain_factors(value: SSAValue, network: Network) -> list[Factor] | None:
    """The weights [columns, in] of each direction, transposed; None unless they are constant, or dequantised ones."""
    owner, scale, zero, axis = value.owner, None, None, 1
    source = value
    if isinstance(owner, DigitalOp) and owner.is_a("DequantizeLinear"):
        source = owner.inputs[0]
        scale, zero_value = constant_of(owner.inputs[1], network), optional(owner.inputs, 2)
        zero = None if zero_value is None else constant_of(zero_value, network)
        axis = integer(owner.setting, "axis", 1) % 3
        if scale is None or (zero_value is not None and zero is None) or integer(owner.setting, "block_size", 0):
            return None
    array = constant_of(source, network)
    if array is None or array.ndim != 3 or (scale is not None and array.dtype not in BYTES):
        return None
    if scale is not None and scale.size > 1 and (scale.ndim != 1 or axis == 2):
        return None
    name = _name(source)
    return [
        Factor(turned(matrix), _of(name, i, array), _part(scale, i, axis), _part(zero, i, axis))
        for i, matrix in enumerate(array)
    ]


def quantised_factors(value: SSAValue, scale: SSAValue, zero: SSAValue, network: Network) -> list[Factor] | None:
    """The int8 or uint8 weights [in, columns] of each direction; scales and zero points [directions(, columns)].

    None unless all of them are constant.
    """
    array, scales, zeros = (constant_of(v, network) for v in (value, scale, zero))
    if array is None or scales is None or zeros is None or array.ndim != 3 or array.dtype not in BYTES:
        return None
    if len(scales.reshape(-1)) % len(array) or scales.shape != zeros.shape:
        return None
    name = _name(value)
    parts = zip(array, scales.reshape(len(array), -1), zeros.reshape(len(array), -1))
    return [
        Factor(np.ascontiguousarray(m), _of(name, i, array), _plain(s), _plain(z)) for i, (m, s, z) in enumerate(parts)
    ]


def of_direction(builder: DigitalBuilder, value: SSAValue | None, direction: int) -> SSAValue | None:
    """Element `direction` of the first axis of a value of known rank."""
    if value is None:
        return None
    shape = shape_of(value.type) or ()
    number = builder.constant(np.array(direction, np.int64), "direction")
    return builder.op("Gather", [value, number], tensor_type(element_type(value.type), shape[1:]), axis=0)


def _name(value: SSAValue) -> str:
    return value.owner.symbol if isinstance(value.owner, ReadOp) else value.name_hint or "weight"


def _of(name: str, direction: int, array: Array) -> str:
    return name if len(array) == 1 else f"{name}.{direction}"


def _part(numbers: Array | None, direction: int, axis: int) -> Array | None:
    """Scale or zero point of one direction."""
    if numbers is None or numbers.size == 1:
        return None if numbers is None else numbers.reshape(())
    return np.array(numbers[direction]) if axis == 0 else numbers


def _plain(numbers: Array) -> Array:
    return numbers.reshape(()) if numbers.size == 1 else np.ascontiguousarray(numbers)
