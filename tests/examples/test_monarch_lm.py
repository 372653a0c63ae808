"""The language model of examples/monarch_lm: the file in the repository does what its README says."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from cimc.language.onnx_context import onnx_context

FOLDER = Path(__file__).parents[2] / "examples" / "monarch_lm"
MODEL = FOLDER / "monarch_lm.onnx"
CONTEXT = 256


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(MODEL.read_bytes(), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def excerpt() -> NDArray[np.int64]:
    return np.frombuffer((FOLDER / "validation_excerpt.txt").read_bytes(), np.uint8).astype(np.int64)


def logits_of(session: onnxruntime.InferenceSession, text: NDArray[np.int64], step: int) -> NDArray[Any]:
    """Logits [B, S, 256] of texts [B, S] fed `step` bytes at a time, the cache handed from one run to the next."""
    context = onnx_context(session, len(text))
    return np.concatenate([context.feed(text[:, i : i + step]) for i in range(0, text.shape[1], step)], axis=1)


def bits(logits: NDArray[Any], following: NDArray[np.int64]) -> NDArray[Any]:
    """-log2 of the probability that logits [B, S, 256] give to the bytes [B, S] that follow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, following[..., np.newaxis], axis=-1)[..., 0]
    return (np.log(np.exp(shifted).sum(axis=-1)) - chosen) / np.log(2)


def readme_number(pattern: str) -> float:
    """The number that the README's text gives, found by a pattern with one group."""
    found = re.search(pattern, (FOLDER / "README.md").read_text("utf-8"))
    assert found is not None
    return float(found[1].replace(",", ""))


def test_file_is_small() -> None:
    assert MODEL.stat().st_size < 10_000_000


def test_stored_weights_are_those_of_the_readme() -> None:
    model = onnx.load_model_from_string(MODEL.read_bytes())
    multiplied = {name for node in model.graph.node if node.op_type == "MatMul" for name in node.input}
    weights = [weight for weight in model.graph.initializer if weight.name in multiplied]
    assert {len(weight.dims) for weight in weights} == {3}
    total = sum(int(np.prod(weight.dims)) for weight in weights)
    assert total == readme_number(r"\| Monarch[^|]*\|[^|]*\| *([\d,]+) *\|")


@pytest.mark.parametrize("step", [1, 7])
def test_decoding_in_steps_equals_prefill(
    session: onnxruntime.InferenceSession, excerpt: NDArray[np.int64], step: int
) -> None:
    text = excerpt[:192].reshape(2, 96)
    np.testing.assert_allclose(logits_of(session, text, step), logits_of(session, text, 96), rtol=0, atol=1e-4)


def test_bits_per_byte_are_those_of_the_readme(
    session: onnxruntime.InferenceSession, excerpt: NDArray[np.int64]
) -> None:
    half = CONTEXT // 2
    starts = np.arange((len(excerpt) - 1) // half - 1)[:, np.newaxis] * half
    windows = excerpt[starts + np.arange(CONTEXT + 1)]
    each = bits(logits_of(session, windows[:, :-1], CONTEXT), windows[:, 1:])
    measured = np.concatenate([each[0, :half], each[:, half:].ravel()]).mean()
    assert measured == pytest.approx(readme_number(r"the ONNX file has ([\d.]+)\s+bits"), abs=5e-4)
