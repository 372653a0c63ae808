"""The numbers that a weight stands for: its integers, and the floats that scale and zero point make of them."""

from typing import Any

import numpy as np
from xdsl.dialects.builtin import NoneType

from dialects.cim import WeightOp
from dialects.element_types import Array
from dialects.network import weight_named
from dialects.weights import WeightStore


def scale_of(weight: WeightOp, weights: dict[str, WeightOp], store: WeightStore) -> Array | None:
    """The scale per output column, [out]; None for a weight that is not scaled."""
    if weight.affine is None:
        return None
    return weight_named(weights, weight.affine.scale.root_reference.data).array(store)


def zero_point_of(weight: WeightOp, weights: dict[str, WeightOp], store: WeightStore) -> Array | None:
    """The zero point per output column, int32 [out]; None where it is 0."""
    if weight.affine is None or isinstance(weight.affine.zero_point, NoneType):
        return None
    return weight_named(weights, weight.affine.zero_point.root_reference.data).array(store)


def float_weight(weight: WeightOp, weights: dict[str, WeightOp], store: WeightStore, dtype: np.dtype[Any]) -> Array:
    """`(w - zero_point) * scale` in `dtype`, [in, out]."""
    array = weight.array(store)
    scale, zero_point = scale_of(weight, weights, store), zero_point_of(weight, weights, store)
    if zero_point is not None:
        array = array.astype(np.int32) - zero_point
    floats = array.astype(dtype)
    return floats if scale is None else floats * scale.astype(dtype)
