"""Branches of constant conditions give the bits of the whole; their IR is in lit/passes/fold_constants.mlir."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation

WEIGHT = np.array([[1, 2, 3, 5], [2, 5, 1, 3], [4, 1, 2, 7], [3, 8, 1, 1]], np.float32)


@pytest.mark.parametrize("condition", [False, True])
@pytest.mark.parametrize("shape", [(), (1,)])
def test_the_weights_of_the_branch_that_is_taken_are_in_arrays(
    condition: bool, shape: tuple[int, ...], onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    file = onnx_file(
        "g (float[n,4] x) => (float[n,4] y) { y = If(c) <then_branch = t () => (float[n,4] a) { a = MatMul(x, v) },"
        " else_branch = e () => (float[n,4] b) { k = MatMul(x, w) b = Neg(k) }> }",
        {"c": np.full(shape, condition), "v": WEIGHT, "w": -WEIGHT},
    )
    program = compiled(file, measure=False).program
    assert (program.controls, [weight.name for weight in program.weights]) == ([], [f"{'wv'[condition]}.int8"])
