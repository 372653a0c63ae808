"""Constants outside of a graph: what is large enough for that, and what they take."""

import ml_dtypes
import numpy as np
from onnx import ModelProto

from dialects.semantics.outlined import Later, OutlinedModel


def later(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Later:
    return Later(array.dtype, array.shape, lambda: array)


def test_bytes_are_known_before_arrays_are_made() -> None:
    constants = {"a": later(np.zeros((3, 4), np.float32)), "b": later(np.zeros((), np.int8))}
    assert [constant.nbytes for constant in constants.values()] == [48, 1]
    assert OutlinedModel(ModelProto(), constants).nbytes == 49


def test_what_numpy_and_onnx_keep_alike() -> None:
    plain = [np.float32, np.float64, np.float16, np.int8, np.uint64, np.bool_]
    assert all(later(np.zeros(2, dtype)).is_plain for dtype in plain)
    assert not any(later(np.zeros(2, dtype)).is_plain for dtype in (ml_dtypes.bfloat16, ml_dtypes.int4, np.complex64))
