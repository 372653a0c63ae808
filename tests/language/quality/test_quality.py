"""Figures of quality as lines and JSON: numbers that are none, and tasks that one network did not answer."""

import json
import math
from pathlib import Path

from cimc.language.quality.evaluation import ORIGINAL, PROGRAM, REFERENCE, Evaluation
from cimc.language.quality.quality import Quality, number
from cimc.language.quality.scores import Score
from cimc.language.quality.windows import Window

FILES = {PROGRAM: Path("p.cim"), REFERENCE: Path("ref.onnx"), ORIGINAL: Path("m.onnx")}
SCORE = Score(4 * math.log(16), 4, 8)


def quality(score: Score = SCORE, difference: str = "", rewritten: str = "") -> Quality:
    evaluation = Evaluation([Window(0, 5, 1)], {PROGRAM: score, REFERENCE: score, ORIGINAL: SCORE}, difference)
    return Quality(FILES, rewritten, Path("text.txt"), 5, 5, evaluation)


def test_lines() -> None:
    own = quality(rewritten="float16 made float32")
    assert own.identical
    assert own.text_line() == "text.txt: 1 window of 5 tokens, 4 tokens predicted, which are 8 bytes"
    assert own.text_table().lines() == [
        "network    perplexity  bits per byte",
        "program            16              2  p.cim",
        "reference          16              2  identical to the program, bit for bit, in all windows",
        "original           16              2  m.onnx, float16 made float32",
    ]
    other = quality(difference="in window 1, output y is missing")
    assert not other.identical
    assert other.text_table().lines()[2].endswith("  differs from the program")
    assert other.to_json()["identical"] is False


def test_numbers() -> None:
    assert [number(value) for value in (36.0849, 0.99999, 12345.6, 1e5, math.inf, math.nan)] == [
        "36.085",
        "0.99999",
        "12,346",
        "100,000",
        "inf",
        "nan",
    ]


def test_logits_that_are_no_numbers() -> None:
    """A figure that is none is not left without a word."""
    own = quality(Score(math.nan, 4, 8, unknown=3))
    assert own.text_table().lines()[1].endswith("  the logits say nothing at 3 of 4 tokens: they hold NaN")


def test_numbers_that_json_does_not_know() -> None:
    content = json.loads(json.dumps(quality(Score(math.nan, 4, 0)).to_json(), allow_nan=False))
    assert content["scores"]["program"] == {"perplexity": None, "bits_per_byte": None, "nats": None}
    assert content["scores"]["original"]["bits_per_byte"] == SCORE.bits_per_byte


def test_tasks() -> None:
    figures = {PROGRAM: {"a": {"acc": 0.5}, "b": {"f1": 1.0}}, ORIGINAL: {"a": {"acc": 0.75}}}
    own = Quality(FILES, tasks=figures)
    assert own.identical
    assert own.tasks_table().lines() == [
        "task  metric  program  original",
        "a     acc         0.5      0.75",
        "b     f1            1       nan",
    ]
    assert own.to_json() == {"files": {name: str(file) for name, file in FILES.items()}, "tasks": figures}
