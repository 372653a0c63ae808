"""`--require-coverage`, as the compiler asks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.report.texts.coverage_check import require_coverage
from dialects.errors import UserError


def test_programs_with_too_little_coverage(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    text = """g (int32[6,4] i, float[6,4] x) => (int32[6,4] y, float[6,4] z)
        { [wide] y = MatMul(i, w)  [dense] z = MatMul(x, v) }"""
    weights = {"w": np.ones((4, 4), np.int32), "v": np.ones((4, 4), np.float32)}
    program = compiled(onnx_file(text, weights)).program
    require_coverage(program, None)
    require_coverage(program, 0.5)
    with pytest.raises(UserError, match=r"50\.0 % of 192 .* at least 95 %; digital are MatMul \(50\.0 %, .*: wide$"):
        require_coverage(program, 0.95)
