"""Reads constants off the IR: plain ones, and matrices that are dequantised on their way to a multiplication."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from xdsl.dialects.builtin import NoneType
from xdsl.ir import Operation, SSAValue

from dialects.attributes.onnx_attributes import integers
from dialects.cim import ConstantOp, DigitalOp, ReadOp
from dialects.element_types import Array, element_type, numpy_element
from dialects.network import Network
from dialects.weights import Remake
from passes.rewriting.constants.constant_tensors import ConstantTensor, Terms, constant_of, turned
from passes.rewriting.constants.dequantisation import dequantized_terms

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
        is_repeated = grid.strides[0] == 0 or bool((grid == grid[:1]).all())
        return np.ascontiguousarray(grid[0]) if is_repeated else None

    def floats(self) -> Array:
        """The numbers that the matrix stands for; float32 unless its scale or itself has another float type."""
        if self.scale is None:
            return self.values
        values = self.values if self.zero_point is None else self.values.astype(np.int32) - self.zero_point
        return values.astype(self.scale.dtype) * self.scale


def constant_matrix(value: SSAValue, network: Network) -> ConstantMatrix | None:
    """The matrix of a value that is constant but for dequantisation and movement of integers, or transposition."""
    terms = constant_matrices(value, network)
    return terms[0] if len(terms) == 1 else None


def constant_matrices(value: SSAValue, network: Network) -> list[ConstantMatrix]:
    """The matrices whose sum is a value: several only where a correction is added to what is dequantised."""
    value, swaps = _before_transposes(value)
    stored = _stored(value, network)
    matrices = [stored] if stored is not None else [_matrix(t) for t in dequantized_terms(value, network)]
    if any(matrix.values.ndim != 2 for matrix in matrices):
        return []
    for _ in range(swaps):
        matrices = [matrix.transposed() for matrix in matrices]
    return matrices


def constant_factors(value: SSAValue, network: Network) -> Terms:
    """Constants of any number of axes whose sum is a value: itself, or what it is dequantised from."""
    array, owner = constant_of(value, network), value.owner
    if array is None:
        return dequantized_terms(value, network)
    symbol = owner.symbol if isinstance(owner, ReadOp) else None
    return (ConstantTensor(array, value.name_hint or "weight", symbol),) if array.size else ()


def _matrix(tensor: ConstantTensor) -> ConstantMatrix:
    return ConstantMatrix(tensor.values, tensor.name, tensor.symbol, tensor.scale, tensor.zero_point)


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


def _before_transposes(value: SSAValue) -> tuple[SSAValue, int]:
    """What is transposed to `value`, and how often; there may be any number of transpositions in a row."""
    swaps = 0
    while isinstance(value.owner, DigitalOp) and value.owner.is_a("Transpose"):
        swaps += integers(value.owner.setting, "perm") in (None, [1, 0])
        value = value.owner.inputs[0]
    return value, swaps


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
