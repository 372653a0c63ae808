"""How well a program predicts a text, from Python: the figures are those of cim-eval."""

from pathlib import Path
from typing import Any

import pytest

import cimc

MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"
TEXT = "The function returns a list of strings, and the value is None. "
ANY: Any = cimc.evaluate


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reference") / "ref.onnx"


@pytest.fixture(scope="module")
def program(reference: Path) -> cimc.Program:
    return cimc.compile(MONARCH_LM, reference=reference)


def test_three_networks(program: cimc.Program, reference: Path) -> None:
    evaluation = cimc.evaluate(
        program, TEXT, window=24, windows=2, reference=reference.read_bytes(), original=MONARCH_LM
    )
    assert list(evaluation.scores) == ["program", "reference", "original"]
    own, same, before = evaluation.scores.values()
    assert evaluation.difference == ""
    assert own == same
    assert own.tokens == own.size == 46
    assert own.perplexity == pytest.approx(before.perplexity, rel=0.1)
    assert len(evaluation.windows) == 2


def test_texts_and_tokens(program: cimc.Program) -> None:
    expected = cimc.evaluate(program, TEXT).scores["program"]
    assert cimc.evaluate(program, TEXT.encode(), cimc.load_tokens("bytes")).scores["program"] == expected
    assert cimc.evaluate(program, TEXT, stride=8, window=16).scores["program"].tokens == len(TEXT) - 1


def test_mistakes(program: cimc.Program) -> None:
    with pytest.raises(cimc.UserError, match=r"^window=0: expected a number of at least 1$"):
        cimc.evaluate(program, TEXT, window=0)
    with pytest.raises(cimc.UserError, match=r"^stride=9: expected at most the 8 tokens of a window$"):
        cimc.evaluate(program, TEXT, window=8, stride=9)
    with pytest.raises(cimc.ProgramError, match=r"^the text has 1 tokens, too few: expected at least 2"):
        cimc.evaluate(program, "T")
    with pytest.raises(cimc.UserError, match=r"nowhere.*(cannot be read|no such)"):
        cimc.evaluate(program, TEXT, "nowhere")
    with pytest.raises(cimc.UserError, match=r"^original is of type int: expected a path"):
        ANY(program, TEXT, original=3)
