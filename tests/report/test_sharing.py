"""What tiles at one place save, as figures and in words."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cimc.compiler import Compilation
from cimc.program.program import Program
from cimc.report.report import report_of
from cimc.report.sharing import Sharing, sharing_of, sharing_text
from cimc.report.texts.text import summary_lines


def test_what_tied_weights_save(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> None:
    """One weight is the other and two columns more, in arrays of 4x4."""
    w = np.random.default_rng(0).standard_normal((4, 10)).astype(np.float32)
    text = "g (float[n,4] x) => (float[n,8] y, float[n,10] z) { y = MatMul(x, v)  z = MatMul(x, w) }"
    report = report_of(compiled(onnx_file(text, {"v": w[:, :8], "w": w})).program)
    assert report.sharing == Sharing(5, 3, 32, 32 / 72, 5)
    assert (report.arrays, report.stored_weights) == (3, 40)
    (line,) = [line for line in summary_lines(report) if line.startswith("sharing")]
    assert line == "sharing       5 tiles, 3 different: 32 weights saved (44.4 %), 3 arrays instead of 5"


def test_nothing_is_shared(handmade: Program) -> None:
    assert sharing_of(handmade) == Sharing(2, 2, 0, 0.0, 2)
    assert not [line for line in summary_lines(report_of(handmade)) if line.startswith("sharing")]


def test_no_array_less() -> None:
    assert sharing_text(Sharing(4, 1, 3000, 0.75, 1), 1) == "4 tiles, 1 different: 3,000 weights saved (75.0 %)"
    assert sharing_text(Sharing(4, 1, 3, 0.75, 2), 1).endswith("(75.0 %), 1 array instead of 2")
