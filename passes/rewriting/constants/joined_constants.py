"""Constants beside one another, as `Concat` puts them, each perhaps of integers with scales."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from passes.rewriting.constants.constant_tensors import NARROW, ConstantTensor, Terms


def joined(parts: Sequence[Terms], axis: int) -> Terms:
    """Parts beside one another: integers as one term, each part with floats as terms of its own, zeros around them.

    None where a part is none.
    """
    if not all(parts):
        return ()
    if all(len(terms) == 1 and terms[0].values.dtype.kind not in "f" for terms in parts):
        return _integers([terms[0] for terms in parts], axis)
    sizes = [terms[0].shape[axis] for terms in parts]
    befores = [sum(sizes[:i]) for i in range(len(sizes))]
    return tuple(
        _padded(term, axis, before, sum(sizes) - before - size)
        for terms, before, size in zip(parts, befores, sizes)
        for term in terms
    )


def _integers(tensors: Sequence[ConstantTensor], axis: int) -> Terms:
    """Integers beside one another: in the type that all have, or in int8, for which uint8 moves by 128."""
    if len({tensor.values.dtype for tensor in tensors}) > 1:
        moved = [_as_int8(tensor) for tensor in tensors]
        tensors = [tensor for tensor in moved if tensor is not None]
        if len(tensors) < len(moved):
            return ()
    scales = [t.scale for t in tensors if t.scale is not None]
    if len(scales) not in (0, len(tensors)):
        return ()
    zeros = [np.zeros((), np.int32) if t.zero_point is None else t.zero_point for t in tensors]
    zero_point = np.concatenate([np.broadcast_to(z, t.shape) for z, t in zip(zeros, tensors)], axis=axis)
    return (
        ConstantTensor(
            np.concatenate([t.values for t in tensors], axis=axis),
            f"{tensors[0].name}.joined",
            scale=np.concatenate(scales, axis=axis) if scales else None,
            zero_point=zero_point if zero_point.any() else None,
        ),
    )


def _as_int8(tensor: ConstantTensor) -> ConstantTensor | None:
    """The same numbers made of int8; None for integers of more bits."""
    if tensor.values.dtype not in NARROW:
        return None
    if tensor.values.dtype != np.uint8:
        return replace(tensor, values=tensor.values.astype(np.int8), symbol=None)
    zero = np.zeros((), np.int32) if tensor.zero_point is None else tensor.zero_point
    return replace(
        tensor,
        values=(tensor.values ^ 0x80).view(np.int8),
        symbol=None,
        zero_point=np.broadcast_to(zero - 128, tensor.shape),
    )


def _padded(term: ConstantTensor, axis: int, before: int, after: int) -> ConstantTensor:
    """A constant with zeros around it."""
    widths = [(before, after) if i == axis % len(term.shape) else (0, 0) for i in range(len(term.shape))]
    return replace(
        term.moved(lambda array: np.pad(array, widths)),
        scale=None if term.scale is None else np.pad(term.scale, widths, constant_values=1),
        name=f"{term.name}.padded",
    )
