"""The values that texts on a command line stand for; argparse.ArgumentTypeError for a text that stands for none."""

import argparse
from pathlib import Path

from cimc.files.whole_file import STDOUT
from dialects.errors import UserError
from passes.project_monarch.analysis.choices import blocks_and_rank
from passes.quantize.analysis.choices import ACTIVATION_BITS, AUTO, COLUMN, WEIGHT_BITS

LARGEST = 2**31 - 1
"""Of the sizes and counts on a command line."""
MOST_WORKERS = 1024
"""Threads or processes that one can ask for."""


def output_file(text: str) -> Path:
    """The file to write; - stands for standard output."""
    return STDOUT if text == "-" else Path(text)


def numbers(text: str) -> range:
    """A number, or the first and the last of several: 3 or 3-5."""
    first, separator, last = text.partition("-")
    low = _number(first, 0, LARGEST)
    high = _number(last, 0, LARGEST) if separator else low
    if low is None or high is None or high < low:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number, or the first and the last of several, like 3-5")
    return range(low, high + 1)


def dimension(text: str) -> tuple[str, int]:
    """NAME=VALUE, for `--dim`."""
    name, separator, value = text.partition("=")
    if not separator or not name or _number(value, 1, LARGEST) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected NAME=VALUE with a size of at least 1, like batch=1, and at most {LARGEST}"
        )
    return name, int(value)


def positive(text: str) -> int:
    """A number of at least 1."""
    return _required(text, 1, LARGEST)


def natural(text: str) -> int:
    """A number of at least 0."""
    return _required(text, 0, 2**63 - 1)


def workers(text: str) -> int:
    """A number of threads or processes."""
    return _required(text, 1, MOST_WORKERS)


def seconds(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of seconds above 0")
    return value


def percentage(text: str) -> float:
    """A number above 0 and at most 100."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a percentage above 0, at most 100")
    return value


def probability(text: str) -> float:
    """A number above 0 and at most 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number above 0, at most 1")
    return value


def coverage(text: str) -> float:
    """A share of 0 to 1, or a percentage with its sign, for `--require-coverage`."""
    number = text.removesuffix("%").rstrip()
    try:
        value = float(number) / (1 if number == text else 100)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a share from 0 to 100%, like 95% or 0.95")
    return value


def blocks(text: str) -> int | str:
    """A number of blocks of at least 2, also with a rank, `auto` or `paper`, for `--monarch`."""
    try:
        number, rank = blocks_and_rank(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return number if rank is None else text


def bits_or_auto(text: str) -> int | str:
    """A number of bits that weights can have, or `auto`."""
    if text == AUTO or text in map(str, WEIGHT_BITS):
        return text if text == AUTO else int(text)
    raise argparse.ArgumentTypeError(f"{text!r}: expected one of {', '.join(map(str, WEIGHT_BITS))}, {AUTO}")


def rows_or_column(text: str) -> int | str:
    """A number of rows of at least 2, or `column`."""
    number = _number(text, 2, LARGEST)
    if text != COLUMN and number is None:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of rows of at least 2, or {COLUMN}")
    return COLUMN if number is None else number


def bits_of_inputs(text: str) -> int:
    """A number of bits that activations can have."""
    if text not in map(str, ACTIVATION_BITS):
        raise argparse.ArgumentTypeError(f"{text!r}: expected one of {', '.join(map(str, ACTIVATION_BITS))}")
    return int(text)


def share(text: str) -> float:
    """A number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of at least 0, like 0.1")
    return value


def _required(text: str, low: int, high: int) -> int:
    number = _number(text, low, high)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of at least {low}, and at most {high}")
    return number


def _number(text: str, low: int, high: int) -> int | None:
    """The number that a text spells if it is within these limits; Python takes no text of 5,000 digits."""
    number = int(text) if text.isdecimal() and len(text) < 20 else -1
    return number if low <= number <= high else None
