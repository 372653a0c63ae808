"""The error of programs: one line, which names the file."""

from pathlib import Path

import pytest

from cimc.program.errors import MALFORMED, ProgramError, naming, reading


def test_names_from_a_file_cannot_break_the_line() -> None:
    assert str(ProgramError("node 'a\nb\x1b[31m' has\r\nno name")) == r"node 'a b\x1b[31m' has no name"


def test_errors_name_their_file() -> None:
    with pytest.raises(ProgramError, match=r"^p\.cim: damaged$"), naming(Path("p.cim")):
        raise ProgramError("damaged")
    with pytest.raises(KeyError), naming("p.cim"):
        raise KeyError("ours")


@pytest.mark.parametrize("kind", MALFORMED)
def test_whatever_a_reader_meets_is_a_damaged_file(kind: type[Exception]) -> None:
    with pytest.raises(ProgramError, match=rf"^p\.cim: damaged: {kind.__name__}: too long$"), reading("p.cim"):
        raise kind("too long")


def test_a_mistake_of_ours_stays_one() -> None:
    with pytest.raises(AssertionError), reading("p.cim"):
        raise AssertionError
