"""The share of arrays, counted by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cimc.compiler import Compilation
from cimc.program.program import Program
from cimc.report.cost.coverage import MULTIPLY_ACCUMULATES, WEIGHTS, Coverage, coverage_of
from cimc.report.cost.kernel_runs import run_kernels

Compile = Callable[..., Compilation]


def _dense(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def _wide(*shape: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    """A weight of int32, which no array takes."""
    return np.ones(shape, np.int32)


def _coverage(program: Program, **dims: int) -> Coverage:
    return coverage_of(program, run_kernels(program, dims))


def test_a_network_that_stays_digital_in_part(onnx_file: Callable[..., Path], compiled: Compile) -> None:
    text = """g (float[n,4] x, int32[n,4] i) => (int32[n,8] y, float[n,6] z)
        { [wide] y = MatMul(i, w)  [dense] z = MatMul(x, m) }"""
    program = compiled(onnx_file(text, {"w": _wide(4, 8), "m": _dense(4, 6)})).program
    coverage = _coverage(program, n=5)
    assert (coverage.unit, coverage.on_arrays, coverage.total) == (MULTIPLY_ACCUMULATES, 5 * 24, 5 * (24 + 32))
    (wide,) = coverage.digital
    assert (wide.operator, wide.nodes, wide.share, coverage.share) == ("MatMul", ("wide",), 32 / 56, 24 / 56)
    assert wide.reason == "the weight has elements of type int32"


def test_the_largest_comes_first_and_equal_ones_are_one(onnx_file: Callable[..., Path], compiled: Compile) -> None:
    text = """g (int32[2,3,4] x) => (int32[2,3,4] y, int32[2,3,4] z, int32[2,3,5] u)
        { [one] y = MatMul(x, w)  [two] z = MatMul(x, w)  [far] u = Einsum <equation = "bij,jk->bik"> (x, v) }"""
    program = compiled(onnx_file(text, {"w": _wide(2, 4, 4), "v": _wide(4, 5)})).program
    coverage = _coverage(program)
    assert [(part.operator, part.nodes) for part in coverage.digital] == [
        ("MatMul", ("one", "two")),
        ("Einsum", ("far",)),
    ]
    assert (coverage.share, coverage.total) == (0, 6 * (16 + 16 + 20))
    assert coverage.to_json()["digital"][1] == {
        "operator": "Einsum", "reason": coverage.digital[1].reason, "share": 120 / 312, "nodes": ["far"],
    }  # fmt: skip


def test_bodies_count_as_often_as_they_run(onnx_file: Callable[..., Path], compiled: Compile) -> None:
    """Three iterations of two vectors; of a branch that does not run, one vector."""
    text = """g (int32[2,4] x, bool go) => (int32[2,4] y, int32[2,4] z) {
        y = Loop (count, , x) <body = b (int64 i, bool c, int32[2,4] h) => (bool d, int32[2,4] k) {
            d = Identity(c) [often] k = MatMul(h, w) }>
        z = If (go) <then_branch = t () => (int32[2,4] p) { [then] p = MatMul(x, w) },
                     else_branch = e () => (int32[2,4] q) { [else] q = Einsum <equation = "ij,jk->ik"> (x, w) }> }"""
    file = onnx_file(text, {"w": _wide(4, 4), "count": np.array(3)})
    program = compiled(file, {"x": _wide(2, 4), "go": np.array(True)}).program
    shares = {part.nodes: part.share * _coverage(program).total for part in _coverage(program).digital}
    counts = {name: round(count) for nodes, count in shares.items() for name in nodes}
    assert counts["often"] == 3 * 2 * 16
    assert sorted((counts["then"], counts["else"])) == [16, 32]


def test_zeros_beside_blocks_do_not_count(onnx_file: Callable[..., Path], compiled: Compile) -> None:
    w = np.kron(np.eye(2), np.ones((4, 4))).astype(np.float32)
    program = compiled(onnx_file("g (float[n,8] x) => (float[n,8] y) { y = MatMul(x, w) }", {"w": w})).program
    assert _coverage(program, n=3).on_arrays == 3 * 32


def test_networks_that_were_not_run_count_their_weights(onnx_file: Callable[..., Path], compiled: Compile) -> None:
    text = """g (int32[2,3,4] i, float[3,4] x) => (int32[2,3,4] y, float[3,6] z)
        { [wide] y = MatMul(i, w)  [dense] z = MatMul(x, v) }"""
    program = compiled(onnx_file(text, {"w": _wide(2, 4, 4), "v": _dense(4, 6)})).program
    coverage = coverage_of(program, None)
    assert (coverage.unit, coverage.on_arrays, coverage.total) == (WEIGHTS, 24, 24 + 32)


def test_networks_without_weights(handmade: Program) -> None:
    program = replace(handmade, kernels=(), instructions=handmade.instructions[:0])
    assert coverage_of(program, None) == Coverage(1.0, WEIGHTS, 0, 0, ())
    broken = replace(handmade, kernels=[replace(kernel, model=b"no protobuf") for kernel in handmade.kernels])
    assert coverage_of(broken, None).digital == ()
