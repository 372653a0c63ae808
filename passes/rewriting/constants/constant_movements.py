"""What operators that move elements do to a constant: a function from numpy arrays to numpy arrays for each."""

from collections.abc import Callable
from math import prod

import numpy as np
from xdsl.ir import SSAValue

from dialects.attributes.onnx_attributes import integer, integers
from dialects.cim import DigitalOp
from dialects.element_types import Array

Movement = Callable[[Array], Array]
Constants = Callable[[SSAValue], Array | None]
"""Gives the array of a value that is constant."""


def integers_of(op: DigitalOp, index: int, name: str, constants: Constants) -> list[int] | None:
    """Integers that an operator has as an input, or had as an attribute in older operator sets."""
    if index < len(op.inputs):
        array = constants(op.inputs[index])
        return None if array is None else [int(n) for n in array.reshape(-1)]
    return integers(op.setting, name)


def _reshape(op: DigitalOp, constants: Constants, shape: tuple[int, ...]) -> Movement | None:
    target = integers_of(op, 1, "shape", constants)
    if target is None:
        return None
    keeps = not integer(op.setting, "allowzero", 0)
    sizes = [shape[i] if n == 0 and keeps and i < len(shape) else n for i, n in enumerate(target)]
    return lambda array: array.reshape(sizes)


def _flatten(op: DigitalOp, constants: Constants, shape: tuple[int, ...]) -> Movement | None:
    axis = integer(op.setting, "axis", 1)
    axis += len(shape) if axis < 0 else 0
    return lambda array: array.reshape(prod(shape[:axis]), -1)


def _squeeze(op: DigitalOp, constants: Constants, shape: tuple[int, ...]) -> Movement | None:
    axes = integers_of(op, 1, "axes", constants)
    if axes is None and len(op.inputs) > 1:
        return None
    return lambda array: array.squeeze(None if axes is None else tuple(axes))


def _unsqueeze(op: DigitalOp, constants: Constants, shape: tuple[int, ...]) -> Movement | None:
    axes = integers_of(op, 1, "axes", constants)
    return None if axes is None else lambda array: np.expand_dims(array, tuple(axes))


def _expand(op: DigitalOp, constants: Constants, shape: tuple[int, ...]) -> Movement | None:
    target = integers_of(op, 1, "shape", constants)
    if target is None:
        return None
    return lambda array: np.broadcast_to(array, np.broadcast_shapes(shape, tuple(target)))


def _gather(op: DigitalOp, constants: Constants, shape: tuple[int, ...]) -> Movement | None:
    places, axis = constants(op.inputs[1]), integer(op.setting, "axis", 0)
    if places is None or not -len(shape) <= axis < len(shape):
        return None
    if places.size and not -shape[axis] <= places.min() <= places.max() < shape[axis]:
        return None
    return lambda array: np.take(array, places, axis=axis)


def _slice(op: DigitalOp, constants: Constants, shape: tuple[int, ...]) -> Movement | None:
    given = [integers_of(op, i, name, constants) for i, name in enumerate(("starts", "ends", "axes", "steps"), start=1)]
    starts, ends, axes, steps = given
    if starts is None or ends is None or any(g is None and len(op.inputs) > i for i, g in enumerate(given, start=1)):
        return None
    cuts = [slice(None)] * len(shape)
    axes = list(range(len(starts))) if axes is None else axes
    for start, end, axis, step in zip(starts, ends, axes, steps or [1] * len(starts)):
        if step < 1 or not -len(shape) <= axis < len(shape):
            return None
        cuts[axis] = slice(start, end, step)
    return lambda array: array[tuple(cuts)]


MOVEMENTS: dict[str, Callable[[DigitalOp, Constants, tuple[int, ...]], Movement | None]] = {
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
}
"""What each does to an array of that shape; None where that is not known, or cannot be."""
