"""From options to the arguments of a command, and back."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest

from cimc.options.spelling import Spelling, add_options, given, options_of
from cimc.options.values import dimension, positive


@dataclass(frozen=True)
class Some:
    count: Annotated[int, Spelling("how many (%(default)s)", "N", positive)] = 3
    big_file: Annotated[Path | None, Spelling("a file", "FILE", Path)] = None
    way: Annotated[str, Spelling("how", choices=("slow", "fast"))] = "slow"
    really: Annotated[bool, Spelling("yes")] = False
    usual: Annotated[bool, Spelling("unless one says no")] = True
    dims: Annotated[Mapping[str, int], Spelling("size", "NAME=VALUE", dimension, flag="--dim", pairs=True)] = field(
        default_factory=dict[str, int]
    )
    hidden: int = 7


def parsed(*line: str, names: tuple[str, ...] | None = None) -> Some:
    parser = argparse.ArgumentParser()
    add_options(parser, Some, names)
    return Some(**given(parser.parse_args(line), Some, names))


def test_what_is_no_option_is_left_out():
    assert list(options_of(Some)) == ["count", "big_file", "way", "really", "usual", "dims"]


def test_defaults_are_those_of_the_dataclass():
    assert parsed() == parsed(names=("way",)) == Some()


def test_every_kind_of_option():
    line = "--count 5 --big-file x.npz --way fast --really --no-usual --dim n=1 --dim m=2 --dim n=3"
    assert parsed(*line.split()) == Some(5, Path("x.npz"), "fast", True, False, {"n": 3, "m": 2})


def test_help_tells_the_default(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        parsed("--help")
    assert "how many (3)" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["--count 0", "--way 3", "--dim n", "--hidden 1", "--really yes"])
def test_what_a_command_refuses(line: str):
    with pytest.raises(SystemExit):
        parsed(*line.split())


def test_only_the_named_options_are_added():
    with pytest.raises(SystemExit):
        parsed("--count", "5", names=("way",))
