"""How near tokens follow each other: within 5 % of what the busiest resource allows."""

from pathlib import Path
from typing import Any

import pytest

from cimc.clock.pipelines.pipelined import pipelined
from cimc.compiler import Options, compile_network
from cimc.program.schedule.checker import verify_schedule
from cimc.report.report import report_of

MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"
FAR = 1.05


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"arrays": 60, "objective": "throughput"},
        {"arrays": 256, "objective": "throughput"},  # some weights are copied
        {"digital": "published"},  # transfers contend for links
    ],
)
def test_monarch_lm(options: dict[str, Any]) -> None:
    program = compile_network(MONARCH_LM, Options(chip="pcm-256", measure=False, **options)).program
    prefill = report_of(program).prefill["total"]
    assert prefill is not None
    assert prefill["proved"]
    assert 1 <= prefill["interval_over_load"] <= FAR


def test_a_program_of_many_tokens_has_moves_of_its_arrays() -> None:
    program = pipelined(compile_network(MONARCH_LM, Options(chip="pcm-256", measure=False)).program, 512)
    assert program.pipeline is not None
    assert len(program.pipeline.moves) > len(program.arrays)
    verify_schedule(program)
