"""What the figures of a program are for, and how many vectors that has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.options.conditions import Conditions
from cimc.program.program import Program
from cimc.report.cost.vectors import INFERENCE, ONE, TOKEN, Vectors
from cimc.report.report import Report, report_of

Write = Callable[..., Path]
Compile = Callable[..., Compilation]


def _dense(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_one_vector_where_nothing_else_is_known() -> None:
    assert ONE.taken([3, 1, 3]).tolist() == [1, 1, 1]
    assert Vectors(of={3: 7, 1: 0}).taken([3, 1, 2, 3]).tolist() == [7, 0, 1, 7]
    assert ONE.taken([]).tolist() == []


@pytest.fixture
def mixed(onnx_file: Write, compiled: Compile) -> Program:
    """A multiplication for each of n vectors, then one of their sum, by weights of one array of 4x4 each."""
    text = """g (float[n,4] x) => (float[1,4] y) { [many] a = MatMul(x, w)
        s = ReduceSum <keepdims = 1> (a, axis)  [once] y = MatMul(s, v) }"""
    constants = {"w": _dense(4, 4), "v": _dense(4, 4).T.copy(), "axis": np.array([0])}
    return compiled(onnx_file(text, constants), mapping="linear").program


def _per_vector(report: Report) -> list[tuple[int, float, float]]:
    return [(v.vectors, v.conversions / v.vectors, round((v.energy_pj or 0) / v.vectors, 6)) for v in report.layers]


def test_tokens_and_inferences(mixed: Program) -> None:
    token, inference = report_of(mixed), report_of(mixed, Conditions({"n": 5}))
    assert (token.per, inference.per) == (TOKEN, INFERENCE)
    assert [layer.vectors for layer in inference.layers] == [5, 1]
    assert _per_vector(token) == [(1, c, e) for _, c, e in _per_vector(inference)]
    assert inference.conversions_per_token == sum(layer.conversions for layer in inference.layers)
    assert inference.energy_pj["parameter"] == pytest.approx(sum(layer.energy_pj or 0 for layer in inference.layers))


def test_vectors_follow_each_other_as_soon_as_the_busiest_array_allows(mixed: Program) -> None:
    """Each stage lasts 8 planes of 10 ns and 4 conversions of 4 ns, and two transfers of 5 ns."""
    token, inference = report_of(mixed), report_of(mixed, Conditions({"n": 5}))
    assert [stage.latency_ns for stage in token.stage_costs] == [218, 218]
    assert [stage.latency_ns for stage in inference.stage_costs] == [218 + 4 * 208, 218]
    assert inference.latency_ns["parameter"] == 2 * 218 + 4 * 208
    prefill = inference.prefill["parameter"]
    assert prefill is not None
    assert prefill["interval_ns"] == 5 * 208


def test_equal_counts_are_tokens(onnx_file: Write, compiled: Compile) -> None:
    text = "g (float[6,4] x) => (float[6,4] y) { a = MatMul(x, w)  y = MatMul(a, w) }"
    report = report_of(compiled(onnx_file(text, {"w": _dense(4, 4)})).program)
    assert (report.per, [layer.vectors for layer in report.layers]) == (TOKEN, [1, 1])
    assert report.conditions["tokens_of_a_run"] == 6


def test_a_branch_that_does_not_run_costs_nothing(onnx_file: Write, compiled: Compile) -> None:
    text = """g (bool go, float[1,4] x) => (float[1,4] y) { y = If (go) <
        then_branch = t () => (float[1,4] p) { [then] p = MatMul(x, w) },
        else_branch = e () => (float[1,4] q) { [else] q = MatMul(x, v) }> }"""
    constants = {"w": _dense(4, 4), "v": _dense(4, 4).T.copy()}
    inputs = {"go": np.array(True), "x": _dense(1, 4)}
    report = report_of(compiled(onnx_file(text, constants), inputs, mapping="linear").program)
    costs = sorted((layer.vectors, layer.conversions, layer.energy_pj, layer.latency_ns) for layer in report.layers)
    assert costs[0] == (0, 0, 0, 0)
    assert costs[1][0] == 1
    assert report.latency_ns["parameter"] == costs[1][3]


def test_convolutions_are_inferences_even_where_all_take_as_many(onnx_file: Write, compiled: Compile) -> None:
    text = "g (float[1,2,h,w] x) => (float y) { y = Conv <pads = [1, 1, 1, 1]> (x, k) }"
    report = report_of(compiled(onnx_file(text, {"k": _dense(3, 2, 3, 3)}), {"x": _dense(1, 2, 5, 7)}).program)
    assert (report.per, report.layers[0].vectors) == (INFERENCE, 224 * 224)
    assert report.conditions["dims"] == {"h": 224, "w": 224}
