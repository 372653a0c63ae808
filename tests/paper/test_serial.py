"""Multiplications alone: as the program runs, and stage by stage."""

import numpy as np
import pytest

from cimc.clock.graph import Kind
from cimc.clock.steps import steps_of
from cimc.hardware.library import load_chip
from cimc.paper.programs import QuantisedLayers
from cimc.paper.serial import flow_ps, serial_ps
from cimc.paper.shapes import Network

N = 64
SMALL = Network("small", ((((N, N),) * 3, ((N, N),), ((N, 4 * N),), ((4 * N, N),)),), {}, context=4)


@pytest.mark.parametrize(("form", "stages"), [("dense", 4), ("monarch", 8)])
def test_stage_by_stage(form: str, stages: int) -> None:
    """On arrays of 256x256 each stage of a layer 64 wide is one activation at most in any array, and adds nothing."""
    chip = load_chip("3dsim-256")
    steps = steps_of(QuantisedLayers.of(SMALL, form, 1, chip).program(chip, "sparsemap", "arrays", 5))
    stage = steps.program.instructions["stage"][steps.record]
    longest = [
        int(steps.duration[(steps.kind == Kind.ACTIVATION) & (stage == number)].max()) for number in range(stages)
    ]
    assert not (steps.kind == Kind.ADDITION).any()
    assert serial_ps(steps) == sum(longest) + stages * 20_000
    permuted = np.unique(steps.start[steps.kind == Kind.PERMUTATION])
    assert 0 < flow_ps(steps) <= serial_ps(steps) + 10_000 * len(permuted)
    assert flow_ps(steps) < steps.program.stages[-1].start_ps
