"""Programs with a pipeline."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest

from cimc.clock.pipelines.pipelined import pipelined, why_no_pipeline
from cimc.program.program import Program
from cimc.program.records import Opcode
from dialects.errors import UserError


@pytest.mark.parametrize("seed", range(4))
def test_a_pipeline_is_proved_and_kept(seed: int, random_program: Callable[[Random], Program], tmp_path: Path) -> None:
    """`pipelined` has it checked, and so has whoever loads it."""
    program = random_program(Random(10 + seed))
    whole = pipelined(program, 100)
    assert whole.pipeline is not None
    records, starts = program.instructions, whole.pipeline.starts
    kernels = np.flatnonzero(records["op"] == Opcode.KERNEL)
    for number in kernels.tolist():
        own = whole.pipeline.operations[whole.pipeline.operations[:, 0] == records["k"][number]]
        assert not len(own) or own[:, 3].min() == starts[number]
    whole.save(tmp_path / "p.cim")
    loaded = Program.load(tmp_path / "p.cim").pipeline
    assert loaded is not None
    assert loaded.interval_ps == whole.pipeline.interval_ps
    assert (loaded.starts == starts).all()
    assert (loaded.operations == whole.pipeline.operations).all()
    assert pipelined(whole, 100).pipeline is not None  # the one it has is where the search begins


def test_a_loop_that_multiplies_has_none(loop_program: Program) -> None:
    assert why_no_pipeline(loop_program)
    message = (
        r"--tokens 8: the program has no schedule of many tokens: a body of control flow multiplies, how often is not "
        r"known before a run; leave out --tokens"
    )
    with pytest.raises(UserError, match=message):
        pipelined(loop_program, 8)


def test_without_times_there_is_none() -> None:
    assert "time" in why_no_pipeline(_empty())


def _empty() -> Program:
    from cimc.program.metadata import Chip

    chip = Chip("c", 4, 4, 2, 1, 8, 1, "offset")
    return Program(chip, np.zeros((0, 4, 4), np.int8))
