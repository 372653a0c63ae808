"""The profile: who worked how long at what."""

import re

import numpy as np

from cimc.machine.machine import Machine
from cimc.machine.profile import profile_lines
from cimc.program.program import Program


def test_times_by_stage_and_kernel(handmade: Program) -> None:
    machine = Machine(handmade)
    machine.run({"x": np.zeros((1, 4), np.float32)})
    machine.native, machine.whole = [0.002, 0.001, 0.0055, 0.001], 0.01  # kernel, permute, products, kernel
    first, *lines = profile_lines(machine)
    assert first == ("profile: 10.000 ms: arrays 5.500 ms (55 %), digital 4.000 ms (40 %), Python 0.500 ms (5 %)")
    assert [re.split(r"  +", line.strip()) for line in lines] == [
        ["5.500 ms", "arrays", "stage 0: /fc"],
        ["2.000 ms", "digital", "kernel 0: /quantise"],
        ["1.000 ms", "digital", "permute: table 0"],
        ["1.000 ms", "digital", "kernel 1: /scale"],
    ]


def test_a_product_of_zeros(handmade: Program) -> None:
    """A weight without tiles is cleared, and nothing else."""
    handmade.instructions = handmade.instructions[[0, 1, 2, 5]]
    machine = Machine(handmade)
    machine.run({"x": np.zeros((1, 4), np.float32)})
    assert any(line.endswith("arrays   stage 0: /fc") for line in profile_lines(machine))


def test_the_times_are_those_of_the_run(handmade: Program) -> None:
    machine = Machine(handmade)
    machine.run({"x": np.zeros((1, 4), np.float32)})
    lines = list(profile_lines(machine))
    assert len(lines) == 5
    assert all(seconds > 0 for seconds in machine.native)
    assert sum(machine.native) < machine.whole
