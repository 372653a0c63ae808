"""What a small decoder reads and writes of its keys and values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.hardware.digital_sets import read_digital_set
from cimc.machine.stoppable import TooLong
from cimc.options.conditions import Conditions
from cimc.program.program import Program
from cimc.report.cost import program_cost
from cimc.report.cost.digital_cost import digital_cost
from cimc.report.cost.kernel_runs import Run, run_kernels
from cimc.report.cost.memories.key_values import NO_KEYS, key_values_of
from cimc.report.cost.program_cost import cost_of
from dialects.chip.costs import DigitalCosts

GRAPH = """g (float[batch,1,4] x, float[batch,past,4] past_key_0, float[batch,past,4] past_value_0)
    => (float[batch,1,4] y, float[batch,total,4] present_key_0, float[batch,total,4] present_value_0) {
    q = MatMul(x, wq)  k = MatMul(x, wk)  v = MatMul(x, wv)
    present_key_0 = Concat <axis = 1> (past_key_0, k)
    present_value_0 = Concat <axis = 1> (past_value_0, v)
    t = Transpose <perm = [0, 2, 1]> (present_key_0)
    s = MatMul(q, t)  p = Softmax(s)  y = MatMul(p, present_value_0)
}"""


@pytest.fixture
def decoder(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> Callable[..., Program]:
    """One layer of attention with a cache, of vectors of 4."""

    def program(graph: str = GRAPH, **options: Any) -> Program:
        generator = np.random.default_rng(0)
        weights = {name: generator.standard_normal((4, 4)).astype(np.float32) for name in ("wq", "wk", "wv")}
        return compiled(onnx_file(graph, weights), **options).program

    return program


def test_each_is_read_once_by_what_computes_with_it_and_the_new_ones_are_written(
    decoder: Callable[..., Program],
) -> None:
    program = decoder()
    run = run_kernels(program, {"batch": 1, "past": 10})
    cached = key_values_of(program, run)
    assert list(cached.read.values()) == [10 * 4 * 4] * 2
    assert [run.kernels[kernel][number].op_type for kernel, number in cached.read] == ["MatMul", "MatMul"]
    assert cached.written == 2 * 4 * 4
    assert cached.moved(run) == 2 * (10 + 1) * 4 * 4
    ports = [*program.inputs, *program.outputs]
    assert {value.name for value in ports if value.slot in cached.slots} == {
        "past_key_0", "past_value_0", "present_key_0", "present_value_0",
    }  # fmt: skip


def test_what_is_scaled_first_is_read_by_the_scaling(decoder: Callable[..., Program]) -> None:
    program = decoder(GRAPH.replace("s = MatMul(q, t)", "u = Mul(t, t)  s = MatMul(q, u)"))
    run = run_kernels(program, {"batch": 1, "past": 10})
    read = key_values_of(program, run).read
    assert sorted(run.kernels[kernel][number].op_type for kernel, number in read) == ["MatMul", "Mul"]


def test_without_names_of_a_cache_there_is_none(decoder: Callable[..., Program]) -> None:
    program = decoder(GRAPH.replace("past_", "old_"))
    assert key_values_of(program, run_kernels(program, {"batch": 1, "past": 10})) is NO_KEYS


def test_operators_wait_for_them(decoder: Callable[..., Program]) -> None:
    program = decoder()
    run = run_kernels(program, {"batch": 1, "past": 10})
    costs = DigitalCosts(1, 64, 1, 1, 1, 1, 1, 1000)
    read = key_values_of(program, run).read
    alone = digital_cost(run, costs, 1)
    waiting = digital_cost(run, costs, 1, dict.fromkeys(read, 5_000_000))
    assert waiting.attention_busy_ns == 2 * 5000
    durations = {place: waiting.operators[place[0]][place[1]].picoseconds for place in read}
    assert durations == dict.fromkeys(read, 5_000_000)
    assert waiting.attention_pj == alone.attention_pj


def test_their_memory_bounds_the_latency_and_takes_energy(decoder: Callable[..., Program]) -> None:
    simulator = cost_of(decoder(digital="simulator"), Conditions(context=4096))
    published = cost_of(decoder(digital="published"), Conditions(context=4096))
    traffic = published.traffic
    assert traffic is not None
    assert traffic.keys_and_values == 2 * 4097 * 4 * 4
    assert published.energy["memory"] == pytest.approx(8 * traffic.keys_and_values * 3.92)
    assert "memory" not in simulator.energy
    assert published.digital is not None
    # What is read at 256 GB/s takes longer than the multiplications do.
    assert published.digital.attention_busy_ns == pytest.approx(2 * 4096 * 4 * 4 / 256)


def test_what_is_not_counted_is_said(decoder: Callable[..., Program], tmp_path: Path) -> None:
    assert not cost_of(decoder(digital="published")).notes
    values = read_digital_set("published").values
    file = tmp_path / "mine.toml"
    file.write_text("".join(f"{key} = {value}\n" for key, value in values.items() if key != "memory_leakage_uw"))
    (note,) = cost_of(decoder(digital=file)).notes
    assert note == "key/value memory: counted in part, the chip gives no memory_leakage_uw"


def test_memory_draws_power_where_there_are_keys_and_values(decoder: Callable[..., Program]) -> None:
    with_cache, without = decoder(digital="published"), decoder(GRAPH.replace("past_", "old_"), digital="published")
    assert cost_of(with_cache).leakage["memory"] == pytest.approx(8 * 1.2 * (40 + 195 * 260 / 3900) * 1000)
    assert "memory" not in cost_of(without).leakage


def test_without_a_run_nothing_is_known_of_memories(
    decoder: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_long(*_: object) -> Run:
        raise TooLong("it takes longer than 20 s")

    monkeypatch.setattr(program_cost, "run_kernels", too_long)
    cost = cost_of(decoder(digital="published"))
    assert (
        "buffers and key/value memory are not counted: what they hold is known from a run of the kernels" in cost.notes
    )
    assert cost.traffic is None
    assert not {"buffer", "memory"} & {*cost.energy, *cost.area, *cost.leakage}


def test_no_token_follows_before_the_memory_has_moved_its_keys_and_values(decoder: Callable[..., Program]) -> None:
    """Keys wait on digital units, values on attention units, each at the full rate; together they share it."""
    graph = GRAPH.replace("s = MatMul(q, t)", "u = Mul(t, t)  s = MatMul(q, u)").replace("p = Softmax(s)", "")
    cost = cost_of(decoder(graph.replace("MatMul(p,", "MatMul(s,"), digital="published"), Conditions(context=100_000))
    many, alone = cost.prefill["total"], cost.prefill["parameter"]
    assert many is not None
    assert alone is not None
    assert cost.traffic is not None
    assert cost.traffic.keys_and_values == 3_200_032
    assert (many.busiest, many.load_ns) == ("key/value memory", pytest.approx(3_200_032 / 256))
    assert many.load_ns <= many.interval_ns <= 1.05 * many.load_ns
    assert alone.interval_ns < many.interval_ns
    assert many.proved
    assert not any("key/value memory" in note for note in cost.notes)
