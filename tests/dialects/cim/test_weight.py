"""Weights as Python makes them: bytes in the IR or in the store, shapes of matrices, kinds of structures."""

import numpy as np
import pytest
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, TensorType, f32

from dialects.attributes.cim_attributes import AffineAttr, DataAttr
from dialects.attributes.structure import MONARCH, BlockDiagonalAttr
from dialects.cim import weight_op
from dialects.element_types import Array, i8
from dialects.weights import WeightStore


@pytest.mark.parametrize(
    ("array", "kept"),
    [
        (np.arange(4, dtype=np.int8).reshape(2, 2), DenseIntOrFPElementsAttr),
        (np.arange(1000, dtype=np.float32).reshape(10, 100), DataAttr),
        (np.array([np.nan], np.float32), DataAttr),
    ],
)
def test_small_exact_weights_stand_in_the_ir_and_others_in_the_store(array: Array, kept: type) -> None:
    store = WeightStore()
    weight = weight_op("w", array, store)
    weight.verify()
    assert isinstance(weight.value, kept)
    assert (weight.type is None) == (kept is not DataAttr)
    np.testing.assert_array_equal(weight.array(store), array)
    assert weight.tensor_type.get_shape() == array.shape


def test_a_dense_weight_is_the_matrix_that_it_stores() -> None:
    weight = weight_op("w", np.zeros((3, 5), np.int8), WeightStore(), AffineAttr.of("s"))
    assert (weight.symbol, weight.kind, weight.matrix_shape) == ("w", "dense", (3, 5))
    assert weight.tensor_type == TensorType(i8, [3, 5])


def test_blocks_are_a_larger_matrix_than_what_they_store() -> None:
    structure = BlockDiagonalAttr.of((2, 3, 5), MONARCH)
    weight = weight_op("w", np.zeros((2, 3, 5), np.float32), WeightStore(), structure=structure)
    weight.verify()
    assert (weight.kind, weight.matrix_shape) == (MONARCH, (6, 10))
    assert weight.tensor_type == TensorType(f32, [2, 3, 5])
