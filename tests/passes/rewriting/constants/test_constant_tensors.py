"""Constants of any rank: moved and widened, they stand for the same numbers."""

import ml_dtypes
import numpy as np
import pytest

from dialects.element_types import Array
from passes.rewriting.constants.constant_tensors import ConstantTensor, narrowed

VALUES = np.arange(-12, 12, dtype=np.int8).reshape(2, 3, 4)
TENSOR = ConstantTensor(
    VALUES,
    "w",
    "w",
    np.broadcast_to(np.array([0.5, 1, 2, 4], np.float32), VALUES.shape),
    np.broadcast_to(np.arange(3, dtype=np.int32).reshape(3, 1), VALUES.shape),
)


@pytest.mark.parametrize("order", [None, [0, 1, 2], [1, 0, 2], [2, 0, 1]])
def test_transposed(order: list[int] | None) -> None:
    """Numbers, integers and all; what stays as it is keeps its weight."""
    transposed = TENSOR.transposed(order)
    np.testing.assert_array_equal(transposed.numbers(), TENSOR.numbers().transpose(order or (2, 1, 0)))
    expected = ("w", "w") if order == [0, 1, 2] else ("w.transposed", None)
    assert (transposed.name, transposed.symbol) == (expected if order else ("w.transposed", None))


def test_widened() -> None:
    assert TENSOR.widened(TENSOR.shape) is TENSOR
    wide = TENSOR.widened((5, 2, 3, 4))
    np.testing.assert_array_equal(wide.numbers(), np.broadcast_to(TENSOR.numbers(), (5, 2, 3, 4)))


def test_numbers() -> None:
    """Integers stay integers without a scale, and are what they are without a zero point."""
    plain = ConstantTensor(VALUES, "w")
    assert plain.numbers() is VALUES
    assert ConstantTensor(VALUES, "w", zero_point=TENSOR.zero_point).numbers().dtype == np.int32


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([1], np.int8), np.int8),
        (np.array([1]).astype(ml_dtypes.uint4), ml_dtypes.uint4),
        (np.array([-128, 127]), np.int8),
        (np.array([0, 255]), np.uint8),
        (np.array([-1, 128]), None),
        (np.array([1.0]), None),
        (np.zeros(0, np.int32), None),
    ],
)
def test_narrowed(values: Array, dtype: type | None) -> None:
    narrow = narrowed(values)
    assert (None if narrow is None else narrow.dtype) == (None if dtype is None else np.dtype(dtype))
    if narrow is not None:
        assert narrow.tolist() == values.tolist()
