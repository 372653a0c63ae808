"""Seals of program files; tests/program/test_program.py changes what is sealed."""

from dataclasses import replace
from pathlib import Path

import pytest

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.seal import VERSION, stored_seal


def test_the_seal_of_a_file(handmade: Program, tmp_path: Path) -> None:
    """Equal programs have equal ones; it is told without reading the contents, and only of programs."""
    handmade.save(tmp_path / "made.cim")
    seal = stored_seal(tmp_path / "made.cim")
    assert (seal.version, len(seal.digest)) == (VERSION, 64)
    Program.load(tmp_path / "made.cim").save(tmp_path / "same.cim")
    replace(handmade, compiler="other").save(tmp_path / "other.cim")
    assert stored_seal(tmp_path / "same.cim") == seal != stored_seal(tmp_path / "other.cim")
    (tmp_path / "none.cim").write_text("something else")
    with pytest.raises(ProgramError, match="not a cimc program"):
        stored_seal(tmp_path / "none.cim")
