"""Calibration inputs in memory: by name, alone, in samples."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cimc
from cimc.api.calibration import calibration_file, samples_of

Write = Callable[..., Path]
X = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def network(onnx_file: Write) -> Path:
    return onnx_file("g (float[n,4] x, float[4] w) => (float[n,4] y) { y = Mul(x, w) }", {"w": X[0]})


@pytest.mark.parametrize("calibrate", [X, {"x": X}, [X[:1], X[1:]], ({"x": row} for row in X[:, np.newaxis])])
def test_all_are_arrays_by_name(network: Path, calibrate: Any) -> None:
    samples = samples_of(calibrate, network)
    assert isinstance(samples, dict)
    assert samples.keys() == {"x"}
    np.testing.assert_array_equal(samples["x"], X)


def test_files(network: Path) -> None:
    assert samples_of(None, network) is None
    assert samples_of("x.npz", network) == Path("x.npz")
    with calibration_file(Path("x.npz")) as file:
        assert file == Path("x.npz")
    with calibration_file({"file": X, "texts": np.array(["a", "bc"], object)}) as file:
        assert file is not None
        with np.load(file) as archive:
            np.testing.assert_array_equal(archive["file"], X)
            assert archive["texts"].tolist() == ["a", "bc"]
    assert not file.exists()


@pytest.mark.parametrize(
    ("calibrate", "message"),
    [
        (3, r"calibrate is of type int: expected the path of an .npz file, a dictionary of arrays by name, an array"),
        ([3], r"calibrate\[0\] is of type int: expected the path"),
        (["x.npz"], r"calibrate\[0\] is of type str: expected the path"),
        ([], r"calibrate holds no samples: expected at least one"),
        ({"x": [[1.0], [1.0, 2.0]]}, r"calibrate\['x'\]: numpy makes no array of it"),
        ([{"x": X}, {"y": X}], r"calibrate\[1\] has arrays for y, and the first for x: expected the same"),
        (
            [{"x": X}, {"x": X[:, :2]}],
            r"calibrate\[1\]\['x'\] is float32\[3, 2\], and the first is float32\[3, 4\]: samples are joined along",
        ),
        ([X, X.astype(np.float64)], r"calibrate\[1\]\['x'\] is float64\[3, 4\], and the first is float32\[3, 4\]"),
    ],
)
def test_mistakes(network: Path, calibrate: Any, message: str) -> None:
    with pytest.raises(cimc.UserError, match=f"^{message}"):
        samples_of(calibrate, network)


def test_a_single_array_of_several(onnx_file: Write) -> None:
    network = onnx_file("g (float[n] a, float[n] b) => (float[n] y) { y = Mul(a, b) }")
    with pytest.raises(cimc.UserError, match=r"^calibrate is a single array: expected one for each input, .*: a, b$"):
        samples_of(X, network)


def test_messages_of_the_compiler_name_the_argument(onnx_file: Write) -> None:
    network = onnx_file("g (float[n,4] x) => (float[n,3] y) { y = MatMul(x, w) }", {"w": X.reshape(4, 3)})
    with pytest.raises(cimc.UserError, match=r"^calibrate: no array for input 'x': expected x$"):
        cimc.compile(network, calibrate={"y": X})
    with pytest.raises(cimc.UserError, match=r"^calibrate: array 'x' holds nan at \[0, 1\]: expected numbers that are"):
        cimc.compile(network, calibrate=np.array([[1, np.nan, 0, 0]], np.float32))
