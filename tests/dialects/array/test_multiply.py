"""Multiplications in arrays as Python makes them; their texts and messages are in lit/dialects/array."""

import numpy as np
from xdsl.dialects import test
from xdsl.dialects.builtin import TensorType

from dialects.array import MultiplyOp, TableAttr
from dialects.element_types import i32, ui8

TILES = np.array([[0, 0, 4, 4], [0, 4, 4, 2]])


def test_tables_are_added_one_after_the_other() -> None:
    (x,) = test.TestOp(result_types=[TensorType(ui8, [4])]).results
    multiply = MultiplyOp(x, "w", TILES, TensorType(i32, [6]))
    multiply.verify()
    assert multiply.symbol == "w"
    assert multiply.tiles.array.tolist() == TILES.tolist()
    assert (multiply.places, multiply.groups, multiply.adds) == (None, None, None)
    multiply.places = TableAttr.of(np.array([[0, 0, 0], [1, 0, 0]]))
    multiply.groups = TableAttr.of(np.array([[0, 0, 4, 8, 0, 9, 0], [1, 0, 4, 8, 0, 9, 0]]))
    multiply.verify()
