"""How long arrays, additions and tiles are at work."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cimc.clock.graph import Kind
from cimc.clock.steps import steps_of
from cimc.compiler import Compilation
from cimc.program.program import Program
from cimc.report.cost.digital_cost import digital_cost
from cimc.report.cost.kernel_runs import run_kernels
from cimc.report.cost.program_chip import chip_of_program
from cimc.report.cost.program_time import busy_ps, program_time
from cimc.report.cost.vectors import ONE, Vectors


@pytest.fixture
def two_tiles(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> Program:
    """A multiplication by a weight of 8 rows and 4 columns, in two arrays of 4x4."""
    weight = np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32)
    file = onnx_file("g (float[n,8] x) => (float[n,4] y) { [fc] y = MatMul(x, w) }", {"w": weight})
    return compiled(file, mapping="linear").program


def test_times_by_hand(two_tiles: Program) -> None:
    """8 planes of 10 ns and 4 conversions of 4 bits, 1 ns each, two transfers of 5 ns, and an addition of 2 ns."""
    time = program_time(two_tiles)
    assert time is not None
    assert (time.parameter_ns, time.array_busy_ns, time.addition_busy_ns) == (208 + 10 + 2, 208, 2)


def test_copies_of_a_weight_share_the_work_of_tokens(two_tiles: Program) -> None:
    """Both tiles as if each were a copy of all of it: in a stream of tokens each works for every other one."""
    own = steps_of(two_tiles)
    copied = replace(own, copies=np.where(own.kind == Kind.ACTIVATION, 2, 1))
    assert busy_ps(copied, Kind.ACTIVATION, ONE)[1].tolist() == [104000, 104000]


SIDE = "g (float[n,8] x) => (float[n,4] y, float[n,8] z) { y = MatMul(x, w)  a = Exp(x)  b = Exp(a)  z = Exp(b) }"


def test_operators_beside_arrays(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> None:
    """Three exponentials of 8 ns each need not wait for the product, which takes 220 ns."""
    weight = np.random.default_rng(1).standard_normal((8, 4)).astype(np.float32)
    program = compiled(onnx_file(SIDE, {"w": weight}), mapping="linear").program
    run = run_kernels(program, {"n": 1})
    costs = chip_of_program(program).digital_costs()
    assert costs is not None
    operators = digital_cost(run, costs, 1).operators
    time = program_time(program, ONE, run, operators)
    assert time is not None
    assert time.digital_ns is not None
    assert time.total_ns is not None
    assert time.parameter_ns == time.stages_ns[0] == time.products_ns[program.multiplications[0].y] == 220
    assert sum(o.picoseconds for kernel in operators for o in kernel) / 1000 == time.digital_ns
    assert time.total_ns <= time.parameter_ns + time.digital_ns - 3 * 8


@pytest.mark.parametrize("tokens", [1, 4])
def test_figures_are_for_one_token(two_tiles: Program, tokens: int) -> None:
    time, one = program_time(two_tiles, Vectors(tokens=tokens)), program_time(two_tiles)
    assert time == one
    assert one is not None
    assert (one.digital_ns, one.total_ns) == (None, None)


def test_additions_are_shared_by_the_digital_units(two_tiles: Program) -> None:
    timing = two_tiles.timing
    assert timing is not None
    time = program_time(replace(two_tiles, timing=replace(timing, digital_units=4)))
    assert time is not None
    assert time.addition_busy_ns == 0.5


def test_a_program_that_says_nothing_about_time(handmade: Program) -> None:
    assert program_time(handmade) is None
