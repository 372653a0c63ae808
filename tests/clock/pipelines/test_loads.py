"""Lower bounds of the interval, by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from cimc.clock.graph import Kind
from cimc.clock.pipelines.loads import Load, least_holds, loads_of
from cimc.clock.steps import steps_of
from cimc.compiler import Options, compile_network


def test_arrays_registers_and_units(onnx_file: Callable[..., Path]) -> None:
    """Two stages, each with an activation of 8 planes in both arrays, 10 ns and 2 conversions of 1 ns each; a set of
    registers is taken while vectors move in and out, too, for 5 ns each."""
    weights = {"w": np.ones((6, 4), np.float32)}
    network = onnx_file("g (float[n,6] x) => (float[n,4] y) { a = MatMul(x, w)  y = Softmax(a) }", weights)
    steps = steps_of(compile_network(network, Options(chip="tiny-4", measure=False)).program)
    busy, operators = steps.kind == Kind.ACTIVATION, steps.kind == Kind.OPERATOR
    assert busy.sum() == 4
    assert (steps.duration[busy] == 8 * (10_000 + 2 * 1_000)).all()
    assert (least_holds(steps) == 96_000 + 2 * 5_000).all()
    loads = {load.resource: load.time_ps for load in loads_of(steps)}
    assert loads["array 0"] == 192_000
    assert loads["registers of array 0"] == 212_000
    assert loads["digital units"] == steps.duration[operators].sum()
    assert loads["digital unit of the longest operator"] == 10_000
    assert loads["digital unit 0"] == 0
    twice = {load.resource: load.time_ps for load in loads_of(replace(steps, buffers=2))}
    assert twice["registers of array 0"] == 106_000


def test_the_longest_load_is_the_largest() -> None:
    assert max([Load(3, "b"), Load(5, "a"), Load(4, "c")]) == Load(5, "a")


def test_copies_work_between_what_every_token_needs(onnx_file: Callable[..., Path]) -> None:
    """Of 106 ns in array 0 every fourth token needs one, and of 106 ns every token the other: 132.5 ns on average, but
    the copy must find 106 ns without a break."""
    weights = {"w": np.ones((4, 4), np.float32)}
    network = onnx_file(
        "g (float[n,4] x) => (float[n,4] z) { a = MatMul(x, w)  y = Relu(a)  z = MatMul(y, w) }", weights
    )
    steps = steps_of(compile_network(network, Options(chip="tiny-4", measure=False)).program)
    assert (steps.registers.array == 0).all()
    first, second = least_holds(steps).tolist()
    works = (steps.kind == Kind.ACTIVATION) & (steps.start == steps.start.min(where=steps.kind == 0, initial=1 << 60))
    copied = replace(steps, copies=np.where(works, 4, 1))
    loads = {load.resource: load.time_ps for load in loads_of(copied)}
    assert loads["registers of array 0"] == first + second > first / 4 + second
    twice = {load.resource: load.time_ps for load in loads_of(replace(copied, buffers=2))}
    assert twice["registers of array 0"] == -(-(first + 4 * second) // 8)
