"""Evaluation: networks whose perplexity is known, and networks that have none."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.compiler import Options, compile_network
from cimc.language.ports import Ports, ports_of
from cimc.language.quality.evaluation import (
    ORIGINAL,
    PROGRAM,
    REFERENCE,
    Evaluation,
    Plan,
    Text,
    evaluate,
    window_for,
)
from cimc.machine.check import Reference
from cimc.machine.machine import Machine
from cimc.original import load_original
from cimc.program.errors import ProgramError
from cimc.program.program import Program

Write = Callable[..., Path]
TOKENS = 4
HALVINGS = np.array([[1, 2, 3, 3], [3, 1, 2, 3], [2, 3, 3, 1], [3, 3, 1, 2]])
"""Token j follows token i with probability 2^-HALVINGS[i, j]."""
LOGITS = (-HALVINGS * np.log(2)).astype(np.float32)
TEXT = Text(np.array([0, 1, 2, 3, 3, 2, 0, 0, 1, 3]), np.array([1, 3, 6, 7, 8, 11, 12, 13, 15, 16]))
"""Token 1 spells two bytes, token 2 three."""
BIGRAM = """g (int64[{shape}] input_ids) => (float[{shape},4] logits) {{
    x = Gather(one, input_ids)
    [follow] logits = MatMul(x, table)
}}"""


@pytest.fixture
def bigram(onnx_file: Write) -> Callable[..., Path]:
    """A network that knows with what probability each token follows which; `shape` is that of its tokens."""

    def write(shape: str = "batch,tokens") -> Path:
        constants = {"one": np.eye(TOKENS, dtype=np.float32), "table": LOGITS}
        return onnx_file(BIGRAM.format(shape=shape), constants)

    return write


def networks_of(file: Path, folder: Path, **options: Any) -> tuple[Ports, dict[str, Any]]:
    """The ports of a network that is compiled, and the three forms of it."""
    reference = folder / "reference.onnx"
    program = compile_network(file, Options(chip="tiny-4", reference=reference, measure=False, **options)).program
    runs = {PROGRAM: Machine(program), REFERENCE: Reference(reference), ORIGINAL: load_original(file)[0]}
    return ports_of(program), {name: network.run for name, network in runs.items()}


def halvings(evaluation: Evaluation) -> float:
    """The sum of the surprises of the original, in bits, by hand: of each token in a window but its first."""
    ids = TEXT.ids
    return sum(float(HALVINGS[ids[i - 1], ids[i]]) for w in evaluation.windows for i in range(w.scored, w.end))


@pytest.mark.parametrize("plan", [Plan(4), Plan(4, batch=2), Plan(4, stride=2), Plan(4, most=1), Plan(100)], ids=str)
def test_perplexity_of_a_bigram_model(bigram: Callable[..., Path], tmp_path: Path, plan: Plan) -> None:
    ports, networks = networks_of(bigram(), tmp_path)
    steps: list[tuple[int, int]] = []
    evaluation = evaluate(networks, ports, TEXT, plan, lambda done, windows: steps.append((done, windows)))
    scores, bits = evaluation.scores, halvings(evaluation)
    tokens = sum(window.tokens for window in evaluation.windows)
    size = sum(TEXT.size(window) for window in evaluation.windows)
    assert bits > 0
    assert scores[ORIGINAL].tokens == tokens
    assert scores[ORIGINAL].perplexity == pytest.approx(2 ** (bits / tokens), rel=1e-6)
    assert scores[ORIGINAL].bits_per_byte == pytest.approx(bits / size, rel=1e-6)
    assert scores[PROGRAM].perplexity == pytest.approx(scores[ORIGINAL].perplexity, rel=0.05)
    assert scores[PROGRAM] == scores[REFERENCE], "not only about: these are the same bits"
    assert evaluation.difference == ""
    assert steps[-1] == (len(evaluation.windows),) * 2


def test_bytes_that_windows_score(bigram: Callable[..., Path], tmp_path: Path) -> None:
    """Those of the first tokens are not among them."""
    ports, networks = networks_of(bigram(), tmp_path)
    assert evaluate(networks, ports, TEXT, Plan(100)).scores[PROGRAM].size == 15
    assert evaluate(networks, ports, TEXT, Plan(4)).scores[PROGRAM].size == 6 + 5 + 1


@pytest.mark.parametrize("shape", ["3,5", "3,tokens", "batch,5"])
def test_fixed_shapes(bigram: Callable[..., Path], tmp_path: Path, shape: str) -> None:
    """Sequences that are missing in a batch do not count, nor does a window that is too short for the network."""
    free, fixed = (networks_of(bigram(s), tmp_path) for s in ("batch,tokens", shape))
    text = Text(np.tile(TEXT.ids, 2)[:19], np.arange(1, 20))
    whole = Text(text.ids[:15], text.ends[:15]) if shape.endswith("5") else text
    expected = evaluate(free[1], free[0], whole, Plan(5))
    assert evaluate(fixed[1], fixed[0], text, Plan(5)).scores == expected.scores


def test_a_program_that_differs_from_its_reference(bigram: Callable[..., Path], tmp_path: Path) -> None:
    ports, networks = networks_of(bigram(), tmp_path)

    def wrong(inputs: Mapping[str, Any]) -> dict[str, Any]:
        logits: NDArray[Any] = networks[PROGRAM](inputs)["logits"].copy()
        logits[(inputs["input_ids"] == 3) & (inputs["input_ids"][:, :1] == 3)] += 1
        return {"logits": logits}

    both = {PROGRAM: networks[PROGRAM], REFERENCE: wrong}
    assert evaluate(both, ports, TEXT, Plan(3)).difference.startswith("in window 2, output logits differs in 8 of 12 ")
    assert evaluate(both, ports, TEXT, Plan(3, batch=2)).difference.startswith(
        "in window 1 and the 1 after it, output logits differs in 8 of 24 values"
    )


def test_texts_that_are_too_short(bigram: Callable[..., Path], tmp_path: Path) -> None:
    one = Text(TEXT.ids[:1], TEXT.ends[:1])
    for shape, expected in (("batch,tokens", 2), ("batch,5", 5)):
        ports, networks = networks_of(bigram(shape), tmp_path)
        with pytest.raises(ProgramError, match=f"^the text has 1 tokens, too few: expected at least {expected}$"):
            evaluate(networks, ports, one, Plan(5))


def test_texts_of_special_tokens_alone(bigram: Callable[..., Path], tmp_path: Path) -> None:
    """What a tokenizer makes of an empty file, if it begins and ends every text with a token."""
    ports, networks = networks_of(bigram(), tmp_path)
    message = "^the text has 2 tokens that spell no bytes: expected some text beside special tokens$"
    with pytest.raises(ProgramError, match=message):
        evaluate(networks, ports, Text(TEXT.ids[:2], np.zeros(2, np.int64)), Plan(4))


def test_the_tokenizer_of_another_model(bigram: Callable[..., Path], tmp_path: Path) -> None:
    ports, networks = networks_of(bigram(), tmp_path)
    message = "^the text has token 4, and the program knows 4: expected the tokenizer of the model$"
    with pytest.raises(ProgramError, match=message):
        evaluate(networks, ports, Text(TEXT.ids + 1, TEXT.ends), Plan(4))


def test_networks_that_look_ahead(onnx_file: Write, tmp_path: Path) -> None:
    """Each token sees the mean of all, as the attention of an encoder may."""
    text = (
        BIGRAM.format(shape="batch,tokens")
        .replace("x = Gather", "e = Gather")
        .replace("[follow]", "m = ReduceMean <axes = [1]> (e)  x = Add(e, m)  [follow]")
    )
    file = onnx_file(text, {"one": np.eye(TOKENS, dtype=np.float32), "table": LOGITS})
    ports, networks = networks_of(file, tmp_path)
    with pytest.raises(ProgramError, match="the logits of a token depend on the tokens after it, as in encoders"):
        evaluate(networks, ports, TEXT, Plan(8))


def test_activations_of_one_scale_are_no_look_ahead(bigram: Callable[..., Path], tmp_path: Path) -> None:
    ports, networks = networks_of(bigram(), tmp_path, activations="tensor")
    assert evaluate(networks, ports, TEXT, Plan(8)).scores[PROGRAM].perplexity > 1


def test_networks_with_the_last_logits_only(onnx_file: Write, tmp_path: Path) -> None:
    text = """g (int64[batch,tokens] input_ids) => (float[batch,1,4] logits) {
        last = Slice(input_ids, minus, most, axis)
        x = Gather(one, last)
        [follow] logits = MatMul(x, table)
    }"""
    numbers = {"minus": np.array([-1]), "most": np.array([2**31]), "axis": np.array([1])}
    file = onnx_file(text, {"one": np.eye(TOKENS, dtype=np.float32), "table": LOGITS, **numbers})
    ports, networks = networks_of(file, tmp_path)
    with pytest.raises(ProgramError, match="output logits has the logits of 1 of 4 tokens, and a score needs those"):
        evaluate(networks, ports, TEXT, Plan(4))


def test_windows_if_nobody_says(bigram: Callable[..., Path], tmp_path: Path) -> None:
    ports = {shape: networks_of(bigram(shape), tmp_path)[0] for shape in ("batch,tokens", "batch,5", "batch,1")}
    assert [window_for(each) for each in ports.values()] == [512, 5, 512]
    assert window_for(ports["batch,tokens"], longest=64) == 64


def test_the_language_model_of_the_examples(tmp_path: Path) -> None:
    """One with a cache: its README says how many bits it takes, with more context than here."""
    folder = Path(__file__).parents[3] / "examples" / "monarch_lm"
    content = (folder / "validation_excerpt.txt").read_bytes()[:1024]
    program = compile_network(folder / "monarch_lm.onnx", Options(measure=False)).program
    program.save(tmp_path / "program.cim")
    runs = {
        PROGRAM: Machine(Program.load(tmp_path / "program.cim")).run,
        ORIGINAL: load_original(folder / "monarch_lm.onnx")[0].run,
    }
    text = Text(np.frombuffer(content, np.uint8).astype(np.int64), np.arange(1, len(content) + 1))
    scores = evaluate(runs, ports_of(program), text, Plan(256, batch=2)).scores
    assert 1.4 < scores[ORIGINAL].bits_per_byte < 2.2
    assert scores[PROGRAM].bits_per_byte == pytest.approx(scores[ORIGINAL].bits_per_byte, rel=0.02)
    assert scores[PROGRAM].perplexity == pytest.approx(2 ** scores[PROGRAM].bits_per_byte)
