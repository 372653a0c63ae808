"""What values between steps hold and move, worked out by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.program.program import Program
from cimc.report.cost.kernel_runs import run_kernels
from cimc.report.cost.memories.key_values import NO_KEYS
from cimc.report.cost.memories.traffic import held_bytes, traffic_of
from cimc.report.cost.program_cost import cost_of


def test_the_handmade_program(handmade: Program) -> None:
    """A float input of 4, an int8 value of it, the same permuted, a product of 3 in int32, and a float output."""
    run = run_kernels(handmade, {"batch": 3})
    assert run.bytes.held == {0: 3 * 4 * 4, 1: 3 * 4, 2: 3 * 4, 3: 3 * 3 * 4, 4: 3 * 3 * 4}
    traffic = traffic_of(handmade, run, NO_KEYS, 3)
    # Each value is written once, the input aside, and read once, the output aside.
    assert traffic.moved == (16 + 4) + (4 + 4) + (4 + 12) + (12 + 12)
    # The product and the output; before it, the input and its int8 values are 20 bytes a vector.
    assert traffic.held == 3 * (12 + 12)
    assert traffic.keys_and_values == 0


def test_values_in_some_slots_do_not_count(handmade: Program) -> None:
    run = run_kernels(handmade, {"batch": 1})
    assert held_bytes(handmade, run, [3, 4]) == 16 + 4


@pytest.mark.parametrize("trips", [1, 4])
def test_values_of_a_loop_live_for_all_of_it(
    trips: int, onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    graph = """g (float[2,4] x) => (float[2,4] y) {
        y = Loop(trips, , x) <body = b (int64 i, bool c, float[2,4] h) => (bool again, float[2,4] z) {
            again = Identity(c)  z = MatMul(h, w) }>
    }"""
    weights = {"w": np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32), "trips": np.array(trips)}
    program = compiled(onnx_file(graph, weights)).program
    run = run_kernels(program, {})
    once = traffic_of(program, run, NO_KEYS, 1)
    assert once.held >= 3 * 2 * 4 * 4  # x, h and z, at least
    assert once.held <= sum(run.bytes.held.values())
    assert once.moved == trips * traffic_of(program, run, NO_KEYS, trips).moved
    assert all(run.executions[kernel] in (1, trips) for kernel in run.executions)


def test_buffers_of_a_set_are_counted(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> None:
    weight = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = MatMul(x, w) }", {"w": weight})
    cost = cost_of(compiled(file, digital="published").program)
    assert cost.traffic is not None
    assert cost.area["buffer"] == 1344  # a KiB
    assert cost.leakage["buffer"] == 7.19
    assert cost.energy["buffer"] == pytest.approx(0.5375 * cost.traffic.moved)
    parts = [value for value in cost.energy.values() if value is not None]
    assert cost.energy_pj["total"] == pytest.approx(sum(parts))
    assert not {"buffer", "memory"} & cost_of(compiled(file).program).energy.keys()
