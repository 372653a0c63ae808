"""How long arrays, additions and tiles are at work."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.program.program import Program
from cimc.report.cost.program_time import program_time, tile_times_ns


@pytest.fixture
def two_tiles(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> Program:
    """A multiplication by a weight of 8 rows and 4 columns, in two arrays of 4x4."""
    weight = np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32)
    file = onnx_file("g (float[n,8] x) => (float[n,4] y) { [fc] y = MatMul(x, w) }", {"w": weight})
    return compiled(file, mapping="linear").program


def test_times_of_tiles(two_tiles: Program, handmade: Program) -> None:
    """Each of the two tiles is at work for the 208 ns of its activation."""
    times = tile_times_ns(two_tiles)
    assert times is not None
    assert times.tolist() == [208, 208]
    assert tile_times_ns(handmade) is None


def test_times_by_hand(two_tiles: Program) -> None:
    """8 planes of 10 ns and 4 conversions of 4 bits, 1 ns each, two transfers of 5 ns, and an addition of 2 ns."""
    time = program_time(two_tiles)
    assert time is not None
    assert (time.parameter_ns, time.array_busy_ns, time.addition_busy_ns) == (208 + 10 + 2, 208, 2)


def test_additions_are_shared_by_the_digital_units(two_tiles: Program) -> None:
    timing = two_tiles.timing
    assert timing is not None
    time = program_time(replace(two_tiles, timing=replace(timing, digital_units=4)))
    assert time is not None
    assert time.addition_busy_ns == 0.5


def test_a_program_that_says_nothing_about_time(handmade: Program) -> None:
    assert program_time(handmade) is None
