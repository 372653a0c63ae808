"""Objects of the metadata: what is read is what was written, and nothing is taken for something else.

Their messages are tested with whole files, in test_program.py.
"""

from collections.abc import Callable
from typing import Any

import pytest

from cimc.program.errors import ProgramError
from cimc.program.metadata import (
    MAXIMAL_RANK,
    Chip,
    Input,
    JsonObject,
    Kernel,
    Multiplication,
    Source,
    Stage,
    Timing,
    Value,
    Weight,
)


def of(**fields: Any) -> JsonObject:
    return JsonObject(fields, "program")


@pytest.mark.parametrize(
    ("made", "read"),
    [
        (Chip("tiny", 4, 8, 2, 1, 8, 1, "offset", {"settle_ns": 3.5, "source": "made up"}), Chip.from_json),
        (Timing(10, (1, 2, 3), 100, 20, 2, 1, 4), Timing.from_json),
        (Input("x", "int64", ("batch", None, 4), 0, -1, 5), Input.from_json),
        (Input("x", "float32", None, 0), Input.from_json),
        (Value("y", "string", (), 7), Value.from_json),
        (Weight("fc", 4, 3, "/fc", "monarch"), Weight.from_json),
        (Multiplication(3, 2, 0, "/fc", 1), Multiplication.from_json),
        (Multiplication(3, 2, 0, "/fc"), Multiplication.from_json),
        (Stage(7, 1000, 500), Stage.from_json),
        (Source("made.onnx", "00"), Source.from_json),
        (Source("made.onnx", "00", ("w", "b")), Source.from_json),
    ],
)
def test_what_is_written_is_read(made: Any, read: Callable[[JsonObject], object]) -> None:
    assert read(JsonObject(made.to_json(), "program")) == made


def test_a_kernel_without_its_model() -> None:
    kernel = Kernel(b"model", (0, 1), (2,), ("/a", "/b"), (3,))
    assert "model" not in kernel.to_json()
    assert Kernel.from_json(JsonObject(kernel.to_json(), "program"), b"model") == kernel


@pytest.mark.parametrize("value", [-1, 1 << 63, 1.0, True, "1", None])
def test_what_is_no_count(value: object) -> None:
    with pytest.raises(ProgramError, match=r"^damaged: metadata program\.n is not a number from 0 on$"):
        of(n=value).count("n")
    with pytest.raises(ProgramError, match=r"^damaged: metadata program\.n is not a number from 0 on$"):
        of(n=[1, value]).counts("n")


def test_counts() -> None:
    assert of(n=(1 << 63) - 1).count("n") == (1 << 63) - 1
    assert of(n=[0, 5]).counts("n") == (0, 5)


def test_flags() -> None:
    assert of(f=True).flag("f") is True
    for value in (1, None, "true"):
        with pytest.raises(ProgramError, match=r"program\.f is not true or false"):
            of(f=value).flag("f")


def test_texts() -> None:
    assert of(t=["a", ""]).texts("t") == ("a", "")
    with pytest.raises(ProgramError, match=r"program\.t is not a list of texts"):
        of(t=["a", None]).texts("t")


def test_shapes() -> None:
    assert of(s=None).shape("s") is None
    assert of(s=[3, "n", None]).shape("s") == (3, "n", None)
    assert len(of(s=[1] * MAXIMAL_RANK).shape("s") or ()) == MAXIMAL_RANK
    for missing in (of(), of(s=3)):
        with pytest.raises(ProgramError, match=r"program\.s is not a list"):
            missing.shape("s")


@pytest.mark.parametrize(
    ("value", "is_legal"), [(None, True), (-(1 << 63), True), ((1 << 64) - 1, True), (1 << 64, False)]
)
def test_bounds_are_integers_of_64_bits(value: int | None, is_legal: bool) -> None:
    if is_legal:
        assert of(b=value).bound("b") == value
    else:
        with pytest.raises(ProgramError, match="an integer of 64 bits or nothing"):
            of(b=value).bound("b")


def test_where_something_is_wrong() -> None:
    with pytest.raises(ProgramError, match=r"^damaged: metadata program\.a\[1\]\.b\.c is not a text$"):
        of(a=[{}, {"b": {"c": 1}}]).children("a")[1].child("b").text("c")
