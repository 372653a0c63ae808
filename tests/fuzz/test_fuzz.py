"""Damaged and hostile files, found before or made up: cimc's commands answer each with one line, or not at all.

`make fuzz` looks for more of them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FUZZER = Path(__file__).parent / "fuzzer.py"
CASES = {"onnx": 40, "program": 80, "chip": 40, "ir": 60, "grid": 300, "npz": 50}
"""How many files of each kind, the corpus included; they are the same each time."""


@pytest.mark.parametrize("target", CASES)
def test_no_file_is_answered_with_more_than_a_line(target: str, tmp_path: Path) -> None:
    """In a process of its own, for what it looks for may end it."""
    options = ["--cases", str(CASES[target]), "--seconds", "3600", "--folder", str(tmp_path), "--here"]
    own = {**os.environ, "PYTHONPATH": str(FUZZER.parents[2])}  # this checkout, wherever cimc is installed from
    done = subprocess.run([sys.executable, str(FUZZER), target, *options], capture_output=True, text=True, env=own)
    assert done.returncode == 0, f"{done.stdout}{done.stderr[-3000:]}"
