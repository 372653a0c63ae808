"""Constants beside one another stand for the numbers that `Concat` makes; whole files: test_dequantisation.py."""

import ml_dtypes
import numpy as np
import pytest

from dialects.element_types import Array
from passes.rewriting.constants.constant_tensors import ConstantTensor, Terms
from passes.rewriting.constants.joined_constants import joined

RNG = np.random.default_rng(0)


def integers(dtype: type[np.generic], low: int, high: int, zero: int | None = None) -> Terms:
    values: Array = RNG.integers(low, high, (2, 3)).astype(dtype)
    scale = np.broadcast_to(RNG.uniform(0.1, 1, 3).astype(np.float32), (2, 3))
    zeros = None if zero is None else np.broadcast_to(np.array(zero, np.int32), (2, 3))
    return (ConstantTensor(values, "w", scale=scale, zero_point=zeros),)


INT8, UINT8 = integers(np.int8, -128, 128), integers(np.uint8, 0, 256, 130)
FOUR = integers(ml_dtypes.int4, -8, 8)
FLOATS: Terms = (ConstantTensor(RNG.standard_normal((2, 3), np.float32), "f"),)


def numbers(terms: Terms) -> Array:
    return np.sum([term.numbers() for term in terms], axis=0)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize(
    ("parts", "types"),
    [
        ([INT8, INT8], ["int8"]),
        ([UINT8, UINT8], ["uint8"]),
        ([UINT8, INT8, FOUR], ["int8"]),
        ([FLOATS, INT8], ["float32", "int8"]),
        ([UINT8, FLOATS + UINT8], ["uint8", "float32", "uint8"]),
    ],
)
def test_what_lies_side_by_side(parts: list[Terms], types: list[str], axis: int) -> None:
    terms = joined(parts, axis)
    assert [term.values.dtype.name for term in terms] == types
    expected = np.concatenate([numbers(part) for part in parts], axis=axis)
    np.testing.assert_allclose(numbers(terms), expected, rtol=1e-6)


def test_what_is_no_constant() -> None:
    """A part that is none, integers with and without a scale, integers that int8 does not hold."""
    wide = (ConstantTensor(np.array([[1, 2, 300]] * 2), "n"),)
    plain = (ConstantTensor(INT8[0].values, "w"),)
    assert joined([INT8, ()], 0) == joined([INT8, plain], 0) == joined([INT8, wide], 0) == ()
