"""The networks of examples/full_size, at small sizes: products are in arrays, programs have the right bits."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from cimc.compiler import Compilation
from cimc.report.report import report_of

MAKE = Path(__file__).parents[2] / "examples" / "full_size" / "networks.py"
SMALL = ("--layers", "1", "--width", "64", "--vocabulary", "50")
DIMENSIONS = {
    "gpt2": {"input_ids": ["batch", "sequence"], "attention_mask": ["batch", "past + sequence"]},
    "bart": {"input_ids": ["batch", "sequence"], "decoder_input_ids": ["batch", "target"]},
}


@pytest.mark.parametrize(
    ("network", "form", "exporter", "kinds"),
    [
        ("gpt2", "monarch", "dynamo", {"monarch": 12, "dense": 1}),
        ("bart", "dense", "torchscript", {"dense": 17}),
    ],
)
def test_small_networks(
    network: str,
    form: str,
    exporter: str,
    kinds: dict[str, int],
    compiled: Callable[..., Compilation],
    tmp_path: Path,
) -> None:
    file, made = tmp_path / "small.onnx", tmp_path / "made.npz"
    command = [sys.executable, MAKE, network, form, exporter, file, "--inputs", made, *SMALL]
    subprocess.run(command, check=True, env=os.environ | {"HF_HUB_OFFLINE": "1"}, stdout=subprocess.DEVNULL)
    shapes = {
        entry.name: entry.type.tensor_type.shape.dim
        for entry in onnx.load_model_from_string(file.read_bytes()).graph.input
    }
    for name, dimensions in DIMENSIONS[network].items():
        assert [dim.dim_param for dim in shapes[name]] == dimensions
    with np.load(made) as arrays:
        inputs = {name: arrays[name] for name in arrays.files}
    report = report_of(compiled(file, inputs, chip="pcm-256").program)
    assert Counter(layer.kind for layer in report.layers) == kinds
    assert report.latency_ns["total"] is not None
    assert report.conditions["unknown_operators"] == {}
