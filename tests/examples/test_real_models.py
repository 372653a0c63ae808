"""Networks out of wheels: fetched files are unpacked, compiled and compared; the table has a row for each."""

import importlib
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "real_models"
TABLE = (FOLDER / "table.md").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module("evaluate")


def test_a_network_out_of_a_wheel(evaluate: ModuleType, onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    w = np.random.default_rng(0).standard_normal((3, 2, 3, 3)).astype(np.float32)
    text = "g (float[n,2,h,8] x, int64[1] i) => (float y, int64[1] j) { y = Conv(x, w)  j = Neg(i) }"
    with zipfile.ZipFile(tmp_path / "a_package-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(onnx_file(text, {"w": w}), "a_package/models/net.onnx")
    model = evaluate.Model("a-package", "1.0", "net.onnx", "nothing", {"h": 9}, {}, {"i": [5, 5]})
    result = evaluate.evaluated(model, tmp_path)
    assert result.is_identical
    assert result.share == 1
    assert evaluate.row(result).startswith("| a-package net | nothing | 100 % |  | 1 | ")
    with np.load(tmp_path / "networks" / "a-package" / "net.npz") as inputs:
        assert inputs["x"].shape == (1, 2, 9, 8)
        assert inputs["i"].tolist() == [5]


def test_what_cannot_be_compiled_is_told(evaluate: ModuleType, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a_package-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("a_package/net.onnx", b"")
    with pytest.raises(SystemExit, match="has no other"):
        evaluate.evaluated(evaluate.Model("a-package", "1.0", "other.onnx", "nothing"), tmp_path)
    result = evaluate.evaluated(evaluate.Model("a-package", "1.0", "net.onnx", "nothing"), tmp_path)
    assert not result.is_identical
    assert "cimc: error: " in evaluate.row(result)


def test_the_table_has_a_row_for_each_network(evaluate: ModuleType) -> None:
    models = evaluate.read_models()
    names = [line.split(" | ")[0].removeprefix("| ") for line in TABLE if line.startswith("| ") and "---" not in line]
    assert names[1:] == [model.name for model in models]
    assert TABLE[0].startswith(f"{len(models)} of {len(models)} networks have more than 95 % ")
    assert all("identical" in line for line in TABLE[4:])
    assert len(models) >= 10


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.0001, "under 0.1 %"), (0.853, "85.3 %"), (0.9999, "over 99.9 %"), (1.0, "100 %")],
)
def test_percent(evaluate: ModuleType, share: float, text: str) -> None:
    assert evaluate.percent(share) == text
