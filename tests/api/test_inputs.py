"""Inputs that a program cannot take: one line says what it takes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import cimc
from cimc.api.inputs import arrays_of
from cimc.program.program import Program


class OnAnotherDevice:
    """As a tensor of torch in another memory."""

    def __array__(self) -> Iterator[Any]:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


def test_arrays(handmade: Program) -> None:
    arrays = arrays_of(handmade, {"x": [[1.0, 2.0]]})
    assert (arrays["x"].dtype, arrays["x"].shape) == (np.float64, (1, 2))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.ones((1, 4), np.float32), r"inputs are an array float32\[1, 4\]: expected a dictionary of arrays by name"),
        ([np.ones(4)], r"inputs are of type list: expected a dictionary of arrays by name"),
        (None, r"inputs are of type NoneType: expected a dictionary"),
        ({0: np.ones(4)}, r"inputs have the key 0: expected names"),
        (
            {"x": OnAnotherDevice()},
            r"input x is of type OnAnotherDevice, which numpy makes no array of \(can't convert",
        ),
        ({"x": [[1.0], [1.0, 2.0]]}, r"input x is of type list, which numpy makes no array of"),
    ],
)
def test_mistakes(handmade: Program, inputs: Any, message: str) -> None:
    with pytest.raises(cimc.ProgramError, match=rf"^{message}.*: the program takes x float32\[batch, 4\]$"):
        arrays_of(handmade, inputs)
