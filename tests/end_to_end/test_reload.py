"""Weights that pass through a chip of few arrays in parts: the bits of the reference, a schedule that can be kept."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.compiler import Compilation
from cimc.machine.check import Reference, compare
from cimc.machine.machine import Machine
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule
from cimc.report.report import report_of
from cimc.report.texts.text import summary_lines
from dialects.errors import UserError
from passes.analysis.objectives import OBJECTIVES

Check = Callable[..., Compilation]
Write = Callable[..., Path]
MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"


def loads(program: Program) -> NDArray[np.void]:
    return program.instructions[program.instructions["op"] == Opcode.LOAD]


@pytest.mark.parametrize("seed", range(5))
def test_random_networks_on_few_arrays(seed: int, compiled: Check, chain: Write, tmp_path: Path) -> None:
    """Whatever objective and mapping: as many arrays as the largest weight needs, and a few more."""
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 11, int(random.integers(4, 7))).tolist()
    file = chain(sizes, random)
    chosen = [*({"objective": aim} for aim in OBJECTIVES), {"mapping": "linear"}, {"mapping": "densemap"}][seed]
    most = max(-(-rows // 4) * -(-columns // 4) for rows, columns in pairwise(sizes))
    arrays = most + int(random.integers(0, 2))
    program = compiled(file, reload=True, arrays=arrays, **chosen).program
    assert len(loads(program)) > 1
    assert loads(program)["n"].max() <= arrays
    verify_schedule(program)
    x = {"x0": random.normal(size=(5, sizes[0])).astype(np.float32)}
    comparison = compare(Machine(program).run(x), Reference(tmp_path / "reference.onnx").run(x))
    assert comparison.identical, str(comparison)


def test_a_language_model_on_eight_arrays(compiled: Check) -> None:
    program = compiled(MONARCH_LM, chip="pcm-256", arrays=8, reload=True).program
    report = report_of(program)
    assert report.reload is not None
    assert (report.reload.loads, report.reload.arrays, report.reload.writes) == (3, 8, 3.0)
    assert report.reload.time_ns == loads(program)["rows"].sum() * 1500
    assert report.reload.energy_pj == report.energy_components_pj["program"] == report.stored_weights * 4 * 168
    total = report.latency_ns["total"]
    assert total is not None
    assert total > (report.reload.time_ns or 0.0)
    lines = list(summary_lines(report))
    assert any(
        line.startswith("reload        3 loads of at most 8 arrays, 3 writes of a cell a token") for line in lines
    )
    assert (
        "endurance     a cell stands 100,000,000 writes, so the chip lasts 33,333,333 tokens: it wears with each"
        in lines
    )


def test_with_enough_arrays_it_changes_nothing(compiled: Check, chain: Write) -> None:
    file = chain([8, 8, 8, 8], np.random.default_rng(0))
    plain, asked = (compiled(file, reload=reload, arrays=12).program for reload in (False, True))
    assert np.array_equal(plain.instructions, asked.instructions)
    assert report_of(asked).reload is None


def test_a_weight_that_alone_is_too_large(compiled: Check, chain: Write) -> None:
    file = chain([8, 8, 8], np.random.default_rng(0))
    with pytest.raises(
        UserError, match=r"node 'product0' alone needs 16 crossbars in 4 arrays, chip 'tiny-4' has 4 in 1"
    ):
        compiled(file, reload=True, arrays=1)
