"""Quantised networks in a folder: made once, complete or not there, and those of a compilation."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Options, compile_network, quantise_network
from cimc.hardware.library import load_chip
from cimc.ir.texts import text_of
from cimc.onnx_import.importer import import_onnx
from cimc.pass_driver.pass_runner import PassRunner
from cimc.sweep.networks import MODULE_FILE, load_network, prepare_network
from cimc.universe import make_context
from dialects.errors import UserError
from dialects.hardware import MODULE_KEY
from dialects.weights import WeightStore

OPTIONS = Options(monarch=2, dims={"n": 3})


def test_a_network_is_that_of_a_compilation(network: Path, tmp_path: Path) -> None:
    prepare_network(network, OPTIONS, tmp_path / "networks" / "key")
    assert sorted(path.name for path in (tmp_path / "networks" / "key").iterdir()) == [
        "distance.json",
        "figures.json",
        "network.mlir",
        "weights.safetensors",
    ]
    assert [path.name for path in (tmp_path / "networks").iterdir()] == ["key"]
    loaded, compilation = (
        load_network(tmp_path / "networks" / "key"),
        compile_network(network, replace(OPTIONS, texts=True)),
    )
    text = compilation.texts["cim"].replace('#chip_sources = "pcm-256"\n', "")
    assert text_of(loaded.module, locations=False) == text.replace(" hardware.sources = #chip_sources,", "")
    assert compilation.distance is not None
    assert loaded.figures == {
        "measured.cosine": compilation.distance.cosine,
        "measured.largest_difference": compilation.distance.largest,
        "measured.clipped": None,
        "measured.conversions": None,
    }


def test_a_network_is_made_once(network: Path, tmp_path: Path) -> None:
    prepare_network(network, OPTIONS, tmp_path / "key")
    before = (tmp_path / "key" / MODULE_FILE).stat().st_mtime_ns
    network.unlink()
    prepare_network(network, OPTIONS, tmp_path / "key")
    assert (tmp_path / "key" / MODULE_FILE).stat().st_mtime_ns == before


def test_a_network_does_not_depend_on_the_chip(network: Path) -> None:
    texts: set[str] = set()
    for chip in ("tiny-4", "pcm-256"):
        context = make_context()
        module = import_onnx(context, network, load_chip(chip))
        quantise_network(PassRunner(context), module, Options(monarch=2))
        del module.attributes[MODULE_KEY]
        texts.add(text_of(module))
    assert len(texts) == 1


def test_a_failure_leaves_nothing(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="activations=static needs calibration inputs"):
        prepare_network(network, Options(activations="static"), tmp_path / "networks" / "key")
    assert not (tmp_path / "networks").exists()

    def full(self: WeightStore, path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(WeightStore, "write", full)
    with pytest.raises(OSError, match="No space left"):
        prepare_network(network, OPTIONS, tmp_path / "networks" / "key")
    assert list((tmp_path / "networks").iterdir()) == []


def test_a_distance_that_cannot_be_measured(onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    """No input of rows of four has 21 numbers; where the network lies on a chip can be told all the same."""
    constants = {"w": np.eye(4, dtype=np.float32), "shape": np.array([7, 3])}
    text = "g (float[n,4] x) => (float[7,3] y) { h = MatMul(x, w)  y = Reshape(h, shape) }"
    prepare_network(onnx_file(text, constants), Options(), tmp_path / "key")
    assert set(load_network(tmp_path / "key").figures.values()) == {None}
