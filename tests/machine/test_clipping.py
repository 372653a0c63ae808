"""What is told of conversions that clipped."""

from dataclasses import replace

import numpy as np

from cimc.machine.clipping import clipping_lines
from cimc.machine.machine import Machine
from cimc.program.program import Program

INPUTS = {"x": np.full((1, 4), 2.5, np.float32)}


def test_stages_and_outputs(handmade: Program) -> None:
    """Two of 96 conversions of the second record clip, and with them one of three outputs."""
    handmade.instructions["stage"][4] = 7
    machine = Machine(handmade)
    outputs = machine.run(INPUTS)
    machine.clipped, machine.conversions = {0: 0, 7: 2}, {0: 96, 7: 96}
    ideal = {"y": outputs["y"] + np.array([[0, 0, 1]], np.float32)}
    assert list(clipping_lines(machine, outputs, ideal)) == [
        "clipped: 2 of 192 (1.04 %) conversions",
        "  stage 7: 2 of 96 (2.08 %)  /fc",
        "outputs: 1 of 3 (33.3 %) values would differ with ideal ADCs",
    ]


def test_outputs_of_another_shape(handmade: Program) -> None:
    machine = Machine(handmade)
    outputs = machine.run(INPUTS)
    *_, last = clipping_lines(machine, outputs, {"y": np.zeros((2, 3), np.float32)})
    assert last == "outputs: 6 of 6 (100 %) values would differ with ideal ADCs"


def test_many_stages(handmade: Program) -> None:
    """Ten are listed, those with most clipped conversions first."""
    records = handmade.instructions[[0, 1, 2, *[3] * 14, 5]]
    records["stage"][3:-1] = np.arange(14)
    machine = Machine(replace(handmade, instructions=records))
    outputs = machine.run(INPUTS)
    machine.clipped = {stage: stage for stage in range(14)}
    lines = list(clipping_lines(machine, outputs, outputs))
    assert [line.split(":")[0] for line in lines[1:-2]] == [f"  stage {stage}" for stage in range(13, 3, -1)]
    assert lines[-2:] == ["  and 3 more stages", "outputs: 0 of 3 (0 %) values would differ with ideal ADCs"]
