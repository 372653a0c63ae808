"""Weights of recurrent operators, a matrix for each direction: plain floats, or integers with scale and zero point."""

from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue

from dialects.cim import ReadOp
from dialects.element_types import Array, element_type, tensor_type
from dialects.network import Network, shape_of
from passes.rewriting.constants.constants import BYTES, constant_factors, constant_of, turned
from passes.rewriting.digital import DigitalBuilder, with_last


@dataclass(frozen=True)
class Factor:
    """A matrix [in, columns] that stands for `(values - zero) * scale`: one number, one a column, or one each."""

    values: Array
    name: str
    scale: Array | None = None
    zero: Array | None = None

    def columns(self, first: int, last: int) -> "Factor":
        """Some of its columns."""
        scale, zero = (
            numbers if numbers is None or numbers.ndim == 0 else numbers[..., first:last]
            for numbers in (self.scale, self.zero)
        )
        values = np.ascontiguousarray(self.values[:, first:last])
        return Factor(values, f"{self.name}.{first}", scale, zero)

    def product(self, builder: DigitalBuilder, x: SSAValue) -> SSAValue:
        """`x` times it, as ONNX writes it; whoever raises multiplications looks at it next."""
        matrix = builder.constant(self.values, self.name)
        if self.scale is not None:
            matrix = builder.cast(matrix, element_type(x.type))
            if self.zero is not None:
                zero = self.zero.astype(self.scale.dtype)
                matrix = builder.elementwise("Sub", matrix, builder.constant(zero, f"{self.name}.zero"))
            matrix = builder.elementwise("Mul", matrix, builder.constant(self.scale, f"{self.name}.scale"))
        return builder.op("MatMul", [x, matrix], with_last(x.type, self.values.shape[1]))


def plain_factors(value: SSAValue, network: Network) -> list[Factor] | None:
    """The weights [columns, in] of each direction, transposed; None unless they are constant, or dequantised ones."""
    factors = constant_factors(value, network)
    if len(factors) != 1 or len(factors[0].shape) != 3:
        return None
    (tensor,) = factors
    return [
        Factor(
            turned(matrix),
            _of(tensor.name, i, tensor.values),
            None if tensor.scale is None else _fewest(tensor.scale[i].T),
            None if tensor.zero_point is None else _fewest(tensor.zero_point[i].T),
        )
        for i, matrix in enumerate(tensor.values)
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


def _fewest(numbers: Array) -> Array:
    """Scales or zero points [in, columns] as one number, or one a column, if that is all there is."""
    if (numbers == numbers[:1]).all():
        return np.asarray(numbers[0, 0] if (numbers == numbers[0, 0]).all() else numbers[0])
    return np.ascontiguousarray(numbers)


def _plain(numbers: Array) -> Array:
    return numbers.reshape(()) if numbers.size == 1 else np.ascontiguousarray(numbers)
