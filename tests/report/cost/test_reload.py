"""What programming takes of weights that pass through the chip in parts."""

from cimc.options.conditions import Conditions
from cimc.program.program import Program
from cimc.report.cost.program_cost import cost_of
from cimc.report.report import report_of


def test_tokens_of_a_run_share_a_load(reloaded: Program) -> None:
    single, many = (report_of(reloaded, Conditions(dims={"n": n})).reload for n in (1, 4))
    assert single is not None
    assert many is not None
    assert (single.writes, many.writes) == (3.0, 0.75)
    assert single.time_ns == 4 * (many.time_ns or 0.0) == 3 * 4 * 20
    assert single.energy_pj == 3 * 64 * 4 * 2.0
    assert many.lasts == 1e6 / 0.75


def test_weights_are_loaded_once_for_all_tokens_of_a_run(reloaded: Program) -> None:
    cost = cost_of(reloaded, Conditions(tokens=5))
    assert cost.reload is not None
    many, spent = cost.prefill["parameter"], cost.latency_ns["parameter"]
    assert many is not None
    assert spent is not None
    assert many.fill_ns == spent
    assert many.latency_ns == spent + 4 * (spent - 3 * 4 * 20)
    assert (many.busiest, many.proved) == ("all that happens between loads", False)
    assert "many tokens: an estimate, no schedule: weights pass through the chip in parts" in "\n".join(cost.notes)
