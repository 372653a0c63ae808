"""From the folder of a checkpoint to words: a small Llama, made here, written by transformers' exporter."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import cimc
from cimc.commands import run_program
from cimc.export.export import export
from cimc.language.checking import Check
from cimc.language.onnx_context import onnx_context
from cimc.language.session import Session
from cimc.machine.check import Reference

PROMPTS = [[3, 1, 4], [1, 5, 9, 2, 6, 5, 3, 5], [8]]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as transformers saves it, with random weights."""
    torch, transformers = import_module("torch"), import_module("transformers")
    torch.manual_seed(0)
    config: Any = transformers.LlamaConfig(
        vocab_size=300, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, bos_token_id=0, eos_token_id=1, initializer_range=0.3,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("llama")
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    export(folder, folder / "model.onnx")
    program = cimc.compile(folder / "model.onnx", reference=folder / "ref.onnx")
    program.save(folder / "model.cim")
    return folder


@pytest.fixture
def program(checkpoint: Path) -> cimc.Program:
    return cimc.Program.load(checkpoint / "model.cim")


def test_several_sequences_are_what_they_would_be_alone(program: cimc.Program, checkpoint: Path) -> None:
    """Padded on the left, each step checked."""
    together = Session(program, batch=3)
    check = Check(together, Reference(checkpoint / "ref.onnx").run)
    steps = list(together.generate_all(PROMPTS, max_tokens=10))
    assert [list(tokens) for tokens in zip(*steps, strict=True)] == [
        list(Session(program).generate(prompt, max_tokens=10)) for prompt in PROMPTS
    ]
    assert re.fullmatch(r"check: identical, \d+ values in 5 outputs over 10 steps", str(check))
    together.reset()
    logits = together.read(PROMPTS)
    for row, prompt in enumerate(PROMPTS):
        alone = Session(program).feed(np.array([prompt]))[0, -1]
        np.testing.assert_allclose(logits[row], alone, rtol=0, atol=1e-5)


def test_the_exported_network_writes_what_transformers_writes(checkpoint: Path) -> None:
    """In float32, before anything is quantised: the cache goes where transformers' own goes."""
    torch, transformers = import_module("torch"), import_module("transformers")
    model: Any = transformers.LlamaForCausalLM.from_pretrained(checkpoint)
    prompt = torch.tensor([PROMPTS[1]])
    expected = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=10, do_sample=False)
    context = onnx_context(onnxruntime.InferenceSession(checkpoint / "model.onnx"))
    tokens = np.array([PROMPTS[1]])
    for token in expected[0, len(PROMPTS[1]) :].tolist():
        tokens = context.feed(tokens)[:, -1:].argmax(axis=-1)
        assert tokens.tolist() == [[token]]


def test_words(checkpoint: Path, tokenizer_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = tokenizer_folder(config_json=(checkpoint / "config.json").read_text("utf-8"))
    arguments = ["--generate", "the cat sat", "--tokenizer", str(folder), "--check", str(checkpoint / "ref.onnx")]
    assert run_program.main([str(checkpoint / "model.cim"), *arguments]) == 0
    printed = capsys.readouterr()
    assert re.search(r"\ncheck: identical, \d+ values in 5 outputs over \d+ steps\n$", printed.out)
    assert "on pcm-256: " in printed.err
    assert "arrays alone" not in printed.err
