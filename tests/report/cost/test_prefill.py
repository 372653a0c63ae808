"""Many tokens: a schedule where there can be one, and an estimate that says why elsewhere."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Options, compile_network
from cimc.options.conditions import Conditions
from cimc.program.program import Program
from cimc.report.cost import prefill
from cimc.report.cost.program_cost import cost_of

Write = Callable[..., Path]


@pytest.fixture
def two_layers(onnx_file: Write) -> Program:
    """Two weights in arrays of their own, with operators between them."""
    weights = {name: np.ones((4, 4), np.float32) for name in ("w", "v")}
    text = "g (float[n,4] x) => (float[n,4] y) { a = MatMul(x, w)  b = Relu(a)  y = MatMul(b, v) }"
    return compile_network(onnx_file(text, weights), Options(chip="tiny-4", measure=False)).program


def test_a_schedule_is_made_and_proved(two_layers: Program) -> None:
    """Without operators, a set of registers is taken for as long as one product takes: so long an interval is."""
    cost = cost_of(two_layers, Conditions(tokens=10))
    alone, total = cost.prefill["parameter"], cost.prefill["total"]
    assert alone is not None
    assert total is not None
    assert alone.proved
    assert total.proved
    assert alone.busiest.startswith("registers of array")
    assert alone.interval_over_load == 1
    assert alone.interval_ns == alone.load_ns <= total.interval_ns <= total.fill_ns
    assert total.load_ns <= total.interval_ns
    assert alone.fill_ns < total.fill_ns
    assert total.latency_ns == total.fill_ns + 9 * total.interval_ns
    assert not any("many tokens" in note for note in cost.notes)


def test_a_run_of_several_tokens_is_estimated(two_layers: Program) -> None:
    cost = cost_of(two_layers, Conditions({"n": 3}))
    total = cost.prefill["total"]
    assert total is not None
    assert not total.proved
    assert total.tokens == 512
    assert "many tokens: an estimate, no schedule: a run has 3 tokens at once" in cost.notes


def test_a_large_program_is_scheduled_if_tokens_are_asked_for(
    two_layers: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefill, "LARGE", 5)
    found, asked = cost_of(two_layers), cost_of(two_layers, Conditions(tokens=512))
    assert any("ask for it with --tokens" in note for note in found.notes)
    assert [cost.prefill["total"].proved for cost in (found, asked) if cost.prefill["total"]] == [False, True]


def test_all_tokens_of_a_run_share_its_loads(reloaded: Program) -> None:
    """The same for tokens one by one and for the report of four: programming once, and each token by itself."""
    for count in (1, 4):
        cost = cost_of(reloaded, Conditions({"n": count}, tokens=10))
        total, time = cost.prefill["parameter"], cost.latency_ns["parameter"]
        assert total is not None
        assert time is not None
        programming = 3 * 4 * 20
        assert total.interval_ns == pytest.approx(time - programming / count)
        assert total.latency_ns == pytest.approx(programming + 10 * total.interval_ns)
        assert (total.busiest, total.proved) == (prefill.SHARED, False)
        assert cost.notes[0].startswith("many tokens: an estimate, no schedule: weights pass through the chip in parts")


def test_runs_of_one_token_load_again(reloaded: Program) -> None:
    inputs = [replace(value, shape=(1, 8)) for value in reloaded.inputs]
    cost = cost_of(replace(reloaded, inputs=inputs), Conditions(tokens=10))
    total = cost.prefill["parameter"]
    assert total is not None
    assert total.latency_ns == pytest.approx(10 * (cost.latency_ns["parameter"] or 0.0))
    assert total.busiest == prefill.LOADS
