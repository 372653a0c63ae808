"""Constants of any number of axes, and what they stand for if they are integers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import ml_dtypes
import numpy as np
from xdsl.ir import SSAValue

from dialects.cim import ConstantOp, ReadOp
from dialects.element_types import Array, dense_array
from dialects.network import Network


def constant_of(value: SSAValue, network: Network) -> Array | None:
    """The array of a value that is a constant as it stands, else None."""
    if isinstance(value.owner, ConstantOp):
        return dense_array(value.owner.value)
    if isinstance(value.owner, ReadOp):
        return network.array(value.owner.symbol)
    return None


def turned(values: Array) -> Array:
    """A matrix transposed, its rows one after the other in memory; numpy takes four times as long for a large one."""
    result = np.empty(values.shape[::-1], values.dtype)
    for first in range(0, len(values), _ROWS):
        result[:, first : first + _ROWS] = values[first : first + _ROWS].T
    return result


_ROWS = 256
"""Rows that are turned at a time: their columns stay near the processor."""

NARROW = frozenset(
    np.dtype(t) for t in (np.int8, np.uint8, ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2)
)
"""Types of integers of at most 8 bits, which arrays hold as they are, or moved."""


def narrowed(values: Array) -> Array | None:
    """Integers as a type of at most 8 bits, if one of these holds them."""
    if values.dtype in NARROW:
        return values
    if values.dtype.kind not in "iu" or not values.size:
        return None
    low, high = int(values.min()), int(values.max())
    fitting = np.int8 if -128 <= low and high <= 127 else np.uint8 if low >= 0 and high <= 255 else None
    return None if fitting is None else values.astype(fitting)


@dataclass(frozen=True)
class ConstantTensor:
    """A constant that stands for `(values - zero_point) * scale`; the numbers themselves where there is no scale.

    `scale` and `zero_point` (integers, or floats that may be none) have the shape of `values`: views that repeat their
    numbers, where these are fewer. `symbol` is the weight that holds exactly `values`, if one does.
    """

    values: Array
    name: str
    symbol: str | None = None
    scale: Array | None = None
    zero_point: Array | None = None

    @property
    def is_quantized(self) -> bool:
        """Whether it is one of narrow integers with a scale."""
        return self.scale is not None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def numbers(self) -> Array:
        """What it stands for: in the type of the scale, if there is one."""
        if self.scale is None and self.zero_point is None:
            return self.values
        wide = self.values.astype(np.int32)
        moved = wide if self.zero_point is None else wide - self.zero_point
        return moved if self.scale is None else moved.astype(self.scale.dtype) * self.scale

    def moved(self, movement: Callable[[Array], Array]) -> "ConstantTensor":
        """The same after a movement of elements."""
        values = movement(self.values)
        return replace(
            self,
            values=values,
            symbol=self.symbol if values is self.values else None,
            scale=None if self.scale is None else movement(self.scale),
            zero_point=None if self.zero_point is None else movement(self.zero_point),
        )

    def widened(self, shape: tuple[int, ...]) -> "ConstantTensor":
        """The same, repeated to fill a larger shape."""
        if shape == self.values.shape:
            return self
        return replace(self.moved(lambda array: np.broadcast_to(array, shape)), name=f"{self.name}.widened")

    def transposed(self, order: Sequence[int] | None = None) -> "ConstantTensor":
        """The same with its dimensions in another order, the reverse one if none is given."""
        order = list(range(len(self.shape)))[::-1] if order is None else list(order)
        if order == sorted(order):
            return self
        values = turned(self.values) if order == [1, 0] else np.ascontiguousarray(self.values.transpose(order))
        moved = replace(self, values=self.values).moved(lambda array: array.transpose(order))
        return replace(moved, values=values, symbol=None, name=f"{self.name}.transposed")


Terms = tuple[ConstantTensor, ...]
"""Constants whose sum something is."""
