"""What programming takes of weights that pass through the chip in parts."""

from cimc.options.conditions import Conditions
from cimc.program.program import Program
from cimc.report.report import report_of


def test_tokens_of_a_run_share_a_load(reloaded: Program) -> None:
    single, many = (report_of(reloaded, Conditions(dims={"n": n})).reload for n in (1, 4))
    assert single is not None
    assert many is not None
    assert (single.writes, many.writes) == (3.0, 0.75)
    assert single.time_ns == 4 * (many.time_ns or 0.0) == 3 * 4 * 20
    assert single.energy_pj == 3 * 64 * 4 * 2.0
    assert many.lasts == 1e6 / 0.75
