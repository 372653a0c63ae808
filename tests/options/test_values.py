"""Texts of a command line as values: those that stand for one, and the answer to all others."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from cimc.files.whole_file import STDOUT
from cimc.options.values import (
    LARGEST,
    MOST_WORKERS,
    blocks,
    coverage,
    dimension,
    natural,
    numbers,
    output_file,
    percentage,
    positive,
    probability,
    seconds,
    share,
    workers,
)

Parse = Callable[[str], object]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (dimension, "batch=1", ("batch", 1)),
        *((coverage, text, 0.95) for text in ("95%", "95 %", "0.95")),
        (coverage, "100%", 1.0),
        (coverage, "0", 0.0),
        (dimension, f"n={LARGEST}", ("n", LARGEST)),
        (positive, "1", 1),
        (positive, str(LARGEST), LARGEST),
        (natural, "0", 0),
        (workers, str(MOST_WORKERS), MOST_WORKERS),
        (numbers, "0", range(1)),
        (numbers, "3-5", range(3, 6)),
        (output_file, "a.cim", Path("a.cim")),
        (output_file, "-", STDOUT),
        (seconds, "0.5", 0.5),
        (percentage, "100", 100.0),
        (probability, "1", 1.0),
        (probability, "0.05", 0.05),
        (blocks, "2", 2),
        (blocks, "8,rank=2", "8,rank=2"),
        (blocks, "auto", "auto"),
        (blocks, "paper", "paper"),
        (share, "0", 0.0),
        (share, "1e-3", 0.001),
    ],
)
def test_values(parse: Parse, text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "texts", "expected"),
    [
        (dimension, ("batch", "=1", "batch=0", "n=x", "n=1.5", f"n={LARGEST + 1}"), "NAME=VALUE with a size of at"),
        (positive, ("0", "-1", "x", "", "1.0", "9" * 5000), f"a number of at least 1, and at most {LARGEST}"),
        (natural, ("-1", "x", "9" * 5000), "a number of at least 0, and at most 9223372036854775807"),
        (workers, ("0", str(MOST_WORKERS + 1)), f"a number of at least 1, and at most {MOST_WORKERS}"),
        (numbers, ("", "x", "-1", "5-3", "1-", "1-2-3"), "a number, or the first and the last of several, like 3-5"),
        (seconds, ("0", "-1", "x", "inf", "nan"), "a number of seconds above 0"),
        (percentage, ("0", "101", "x", "nan"), "a percentage above 0, at most 100"),
        (probability, ("0", "1.1", "x", "nan"), "a number above 0, at most 1"),
        (
            blocks,
            ("1", "some", "-2", "8,rank=0", "auto,rank=2"),
            "a number of blocks of at least 2, also with a rank (8 or",
        ),
        (coverage, ("95", "101%", "-0.1", "x", "%", "nan"), "a share from 0 to 100%, like 95% or 0.95"),
        (share, ("-0.1", "x", "inf", "nan"), "a number of at least 0, like 0.1"),
    ],
)
def test_texts_that_stand_for_nothing(parse: Parse, texts: tuple[str, ...], expected: str) -> None:
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError) as error:
            parse(text)
        assert str(error.value).startswith(f"{text!r}: expected {expected}")
