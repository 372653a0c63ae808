"""The check: identity to the last bit, and what it says otherwise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.machine.check import compare, run_reference
from cimc.program.errors import ProgramError


def of_bits(*bits: int) -> NDArray[np.float32]:
    return np.array(bits, np.uint32).view(np.float32)


def test_identical() -> None:
    outputs = {"a": of_bits(0x7FC00001, 0x80000000).reshape(1, 2), "b": np.zeros((0, 3)), "c": np.array(["x"], object)}
    result = compare(outputs, {name: array.copy() for name, array in outputs.items()})
    assert result.identical
    assert str(result) == "check: identical, 3 values (1 of them NaN) in 3 outputs"


def test_values_that_are_nan() -> None:
    """They are compared like all others, bit for bit, and it is said how many they are."""
    outputs = {"a": of_bits(0x7FC00001, 0), "n": np.array([1])}
    result = compare(outputs, outputs)
    assert (result.identical, result.nans, result.nothing) == (True, 1, "")
    assert str(result) == "check: identical, 3 values (1 of them NaN) in 2 outputs"


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ({}, "all 0 outputs are empty"),
        ({"a": np.zeros((0, 3)), "b": np.zeros(0, np.int8)}, "all 2 outputs are empty"),
        ({"a": np.zeros((0, 3)), "b": of_bits(0x7FC00001, 0xFFC00000)}, "all 2 values are NaN"),
    ],
)
def test_nothing_to_compare(outputs: dict[str, NDArray[Any]], why: str) -> None:
    """No difference, and no success: every program would pass."""
    result = compare(outputs, outputs)
    assert result.identical
    assert (result.nothing, str(result)) == (
        f"there is nothing to compare: {why}",
        f"check: there is nothing to compare: {why}",
    )


@pytest.mark.parametrize(
    ("found", "expected", "message"),
    [
        (
            {"y": np.array([[1.0, 2.0], [3.5, 5.0]])},
            {"y": np.array([[1.0, 2.0], [3.0, 4.0]])},
            "output y differs in 2 of 4 values by up to 1, first at [1, 0]: found 3.5, expected 3.0",
        ),
        (
            {"y": np.array([0.0, 1.0])},
            {"y": np.array([-0.0, 1.0])},
            "output y differs in 1 of 2 values by up to 0, first at [0]: found 0.0, expected -0.0",
        ),
        (
            {"y": of_bits(0x7FC00001)},
            {"y": of_bits(0x7FC00000)},
            "output y differs in 1 of 1 values by up to 0, first at [0]: "
            "found nan with bytes 0100c07f, expected nan with bytes 0000c07f",
        ),
        (
            {"y": np.array([np.inf, np.inf])},
            {"y": np.array([np.inf, 1.0])},
            "output y differs in 1 of 2 values by up to inf, first at [1]: found inf, expected 1.0",
        ),
        (
            {"y": np.array([True, False])},
            {"y": np.array([True, True])},
            "output y differs in 1 of 2 values, first at [1]: found False, expected True",
        ),
        ({}, {"y": np.zeros(1)}, "output y is missing"),
        ({"y": np.zeros(1), "z": np.zeros(1)}, {"y": np.zeros(1)}, "output z is not in the reference"),
        ({"y": np.zeros(1)}, {"y": np.zeros(1, np.float32)}, "output y has type float64, expected float32"),
        ({"y": np.zeros((1, 2))}, {"y": np.zeros(2)}, "output y has shape [1, 2], expected [2]"),
    ],
)
def test_differences(found: dict[str, NDArray[Any]], expected: dict[str, NDArray[Any]], message: str) -> None:
    result = compare(found, expected)
    assert not result.identical
    assert str(result) == f"check: {message}"


def test_reference_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"nonsense")
    with pytest.raises(ProgramError, match=r"broken\.onnx: ONNX Runtime cannot run the model: [^\n]+$"):
        run_reference(path, {})


def test_reference_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"none\.onnx: ONNX Runtime cannot run the model: [^\n]+$"):
        run_reference(tmp_path / "none.onnx", {})
