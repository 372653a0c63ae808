"""Reads constants off the IR: plain ones, and matrices that are dequantised on their way to a multiplication."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from xdsl.dialects.builtin import NoneType
from xdsl.ir import Operation, SSAValue

from dialects.attributes.onnx_attributes import integer, integers
from dialects.cim import ConstantOp, DigitalOp, ReadOp
from dialects.element_types import Array, dense_array, element_type, numpy_element
from dialects.network import Network
from dialects.weights import Remake


def constant_of(value: SSAValue, network: Network) -> Array | None:
    """The array of a value that is a constant as it stands, else None."""
    if isinstance(value.owner, ConstantOp):
        return dense_array(value.owner.value)
    if isinstance(value.owner, ReadOp):
        return network.array(value.owner.symbol)
    return None


BYTES = (np.dtype(np.int8), np.dtype(np.uint8))
"""Element types that arrays can hold as they are, or moved by 128."""


@dataclass(frozen=True)
class ConstantMatrix:
    """A matrix [in, out] that stands for `(values - zero_point) * scale`.

    `scale` and `zero_point` broadcast against `values`; None where there is none. `symbol` is the weight that holds
    exactly `values`, if one does; `name` is what to call what is made of it. `again` makes `values` once more, if that
    takes no memory in between.
    """

    values: Array
    name: str
    symbol: str | None = None
    scale: Array | None = None
    zero_point: Array | None = None
    again: Remake | None = None

    def transposed(self) -> "ConstantMatrix":
        """The same numbers as [out, in]."""
        return replace(
            self,
            values=turned(self.values),
            again=None if self.again is None else partial(_transposed_again, self.again),
            symbol=None,
            name=f"{self.name}.transposed",
            scale=None if self.scale is None else np.atleast_2d(self.scale).T,
            zero_point=None if self.zero_point is None else np.atleast_2d(self.zero_point).T,
        )

    def per_column(self, numbers: Array | None) -> Array | None:
        """Scale or zero point as [out], or None if it differs inside a column."""
        if numbers is None:
            return None
        grid = np.broadcast_to(numbers if numbers.size > 1 else numbers.reshape(()), self.values.shape)
        return np.ascontiguousarray(grid[0]) if (grid == grid[:1]).all() else None

    def floats(self) -> Array:
        """The numbers that the matrix stands for; float32 unless its scale or itself has another float type."""
        if self.scale is None:
            return self.values
        values = self.values if self.zero_point is None else self.values.astype(np.int32) - self.zero_point
        return values.astype(self.scale.dtype) * self.scale


def constant_matrix(value: SSAValue, network: Network) -> ConstantMatrix | None:
    """The matrix of a value that is constant but for dequantisation and transposition, else None."""
    value, swaps = _before_transposes(value)
    owner = value.owner
    matrix = _stored(value, network)
    if matrix is None and isinstance(owner, DigitalOp):
        if owner.is_a("Mul"):
            matrix = _scaled(owner, network)
        elif owner.is_a("DequantizeLinear"):
            matrix = _dequantised(owner, network)
    return _swapped(matrix, swaps)


def _unscaled(value: SSAValue, network: Network) -> ConstantMatrix | None:
    """The matrix of a value that is constant but for transposition, else None."""
    value, swaps = _before_transposes(value)
    return _swapped(_stored(value, network), swaps)


def _stored(value: SSAValue, network: Network) -> ConstantMatrix | None:
    array, owner = constant_of(value, network), value.owner
    if array is None or array.ndim != 2 or not array.size:
        return None
    if not isinstance(owner, ReadOp):
        return ConstantMatrix(array, value.name_hint or "weight")
    again = network.weight(owner.symbol).again(network.store)
    return ConstantMatrix(array, owner.symbol, owner.symbol, again=again)


def _transposed_again(values: Remake) -> Array:
    return turned(values())


def turned(values: Array) -> Array:
    """A matrix transposed, its rows one after the other in memory; numpy takes four times as long for a large one."""
    result = np.empty(values.shape[::-1], values.dtype)
    for first in range(0, len(values), _ROWS):
        result[:, first : first + _ROWS] = values[first : first + _ROWS].T
    return result


_ROWS = 256
"""Rows that are turned at a time: their columns stay near the processor."""


def _before_transposes(value: SSAValue) -> tuple[SSAValue, int]:
    """What is transposed to `value`, and how often; there may be any number of transpositions in a row."""
    swaps = 0
    while isinstance(value.owner, DigitalOp) and value.owner.is_a("Transpose"):
        swaps += integers(value.owner.setting, "perm") in (None, [1, 0])
        value = value.owner.inputs[0]
    return value, swaps


def _swapped(matrix: ConstantMatrix | None, swaps: int) -> ConstantMatrix | None:
    for _ in range(swaps if matrix is not None else 0):
        matrix = None if matrix is None else matrix.transposed()
    return matrix


def _scaled(op: DigitalOp, network: Network) -> ConstantMatrix | None:
    """`Mul(Cast(w), scale)` of an 8-bit `w`."""
    for cast, factor in (tuple(op.inputs), tuple(reversed(op.inputs))):
        scale = constant_of(factor, network)
        if scale is None or not isinstance(cast.owner, DigitalOp) or not cast.owner.is_a("Cast"):
            continue
        inner = _unscaled(cast.owner.inputs[0], network)
        fits = scale.ndim <= 2 and element_type(cast.type) == element_type(factor.type)
        if inner is not None and inner.values.dtype in BYTES and fits:
            return _widened(inner, scale)
    return None


def _widened(matrix: ConstantMatrix, scale: Array, zero_point: Array | None = None) -> ConstantMatrix | None:
    """A matrix with scale and zero point, repeated where these have more rows or columns; None where they do not fit.

    A row of weights times a column of scales is a matrix that is larger than both.
    """
    parts = [matrix.values.shape, scale.shape, () if zero_point is None else zero_point.shape]
    try:
        shape = np.broadcast_shapes(*parts)
    except ValueError:
        return None
    if shape == matrix.values.shape:
        return replace(matrix, scale=scale, zero_point=zero_point)
    values = np.ascontiguousarray(np.broadcast_to(matrix.values, shape))
    name = f"{matrix.name}.widened"
    return replace(matrix, values=values, name=name, symbol=None, scale=scale, zero_point=zero_point, again=None)


def _dequantised(op: DigitalOp, network: Network) -> ConstantMatrix | None:
    """`DequantizeLinear(w, scale, zero point)` of an 8-bit `w`, per tensor or per column or row."""
    inner = _unscaled(op.inputs[0], network)
    scale = constant_of(op.inputs[1], network)
    zero = constant_of(op.inputs[2], network) if len(op.inputs) > 2 else None
    if inner is None or scale is None or inner.values.dtype not in BYTES:
        return None
    if scale.ndim > 1 or integer(op.setting, "block_size", 0) or (len(op.inputs) > 2 and zero is None):
        return None
    along_rows = integer(op.setting, "axis", 1) in (0, -2)
    scale, zero = (_along(a, along_rows) for a in (scale, zero))
    assert scale is not None
    matrix = _widened(inner, scale, None if zero is None else zero.astype(np.int32))
    return matrix if matrix is not None and matrix.values.shape == inner.values.shape else None


def _along(array: Array | None, rows: bool) -> Array | None:
    return array.reshape(-1, 1) if array is not None and rows and array.ndim == 1 else array


def is_float(value: SSAValue) -> bool:
    """Whether a value has floating point elements that numpy knows."""
    dtype = numpy_element(element_type(value.type))
    return dtype is not None and np.issubdtype(dtype, np.floating)


def are_floats(value: SSAValue, *arrays: Array) -> bool:
    """Whether a value and constants have the same floating point elements: nothing else can be multiplied."""
    dtype = numpy_element(element_type(value.type))
    return is_float(value) and all(array.dtype == dtype for array in arrays)


class ComputedConstants:
    """Which values are made of constants alone, so that `fold-constants` is to compute what is made of them.

    Each is found once: the way to its constants may be long, and shared.
    """

    def __init__(self) -> None:
        self._known: dict[SSAValue, bool] = {}

    def has(self, *values: SSAValue) -> bool:
        """Whether all values are."""
        return all(self._known[value] if value in self._known else self._found(value) for value in values)

    def _found(self, value: SSAValue) -> bool:
        pending = [value]
        while pending:
            current = pending[-1]
            before = None if current in self._known else _computed_from(current)
            missing = [v for v in before or () if v not in self._known]
            if missing and all(self._known.get(v, True) for v in before or ()):
                pending += missing
            else:
                self._known.setdefault(current, before is not None and all(self._known.get(v) for v in before))
                pending.pop()
        return self._known[value]


def _computed_from(value: SSAValue) -> Sequence[SSAValue] | None:
    """The values that have to be constant for `value` to be; None where it cannot be."""
    owner = value.owner
    if isinstance(owner, ConstantOp | ReadOp):
        return ()
    if not isinstance(owner, Operation) or not owner.operands or owner.regions:
        return None
    return [operand for operand in owner.operands if not isinstance(operand.type, NoneType)]
