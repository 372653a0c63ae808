"""Programs against the networks they come from: kernels, constants, tiles, slots."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import load_model_from_string

from cimc.compiler import Compilation
from cimc.program.records import Opcode

Write = Callable[..., Path]
Check = Callable[..., Compilation]
W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


def test_large_constants_stand_once(onnx_file: Write, compiled: Check) -> None:
    """Though two kernels use one; small ones stand in each kernel."""
    big, small = np.arange(4 * 512, dtype=np.float32).reshape(512, 4), np.ones(4, np.float32)
    text = """g (float[512,4] x) => (float[512,6] y, float[512,4] z) {
        a = Add(x, b)  c = Mul(a, s)  d = MatMul(c, w)  y = Abs(d)
        e = ReduceSum<keepdims=1>(d)  f = Mul(b, e)  z = Mul(f, s)
    }"""
    program = compiled(onnx_file(text, {"b": big, "s": small, "w": W})).program
    assert [constant.shape for constant in program.constants] == [(512, 4)]
    assert [kernel.constants for kernel in program.kernels] == [(0,), (0,)]
    assert all(len(kernel.model) < 5000 for kernel in program.kernels)


def test_kernels_name_their_nodes(onnx_file: Write, compiled: Check) -> None:
    text = "g (float[n,4] x) => (float[n,6] y) { [one] a = Abs(x)  [two] b = MatMul(a, w)  [three] y = Neg(b) }"
    program = compiled(onnx_file(text, {"w": W})).program
    assert program.kernels[0].nodes[0] == "one"
    assert program.kernels[-1].nodes[-1] == "three"
    for kernel in program.kernels:
        graph = load_model_from_string(kernel.model).graph
        assert [entry.name for entry in graph.input] == [f"v{slot}" for slot in kernel.inputs]
        assert [entry.name for entry in graph.output] == [f"v{slot}" for slot in kernel.outputs]


def test_stages_and_records(onnx_file: Write, compiled: Check) -> None:
    """Multiplications that do not wait for each other are in one stage; the kernel before it comes first."""
    text = "g (float[n,4] x) => (float[n,6] y) { a = MatMul(x, w)  b = MatMul(x, v)  c = Add(a, b)  y = MatMul(c, u) }"
    constants = {"w": W, "v": -W, "u": W.T @ W + np.outer(W[0], W[1])}
    program = compiled(onnx_file(text, constants), mapping="linear").program
    stages = {
        m.y: int(program.instructions["stage"][program.instructions["y"] == m.y][0]) for m in program.multiplications
    }
    assert sorted(stages.values()) == [0, 0, 1]
    assert [Opcode(op) for op in program.instructions["op"][[0, -1]]] == [Opcode.KERNEL, Opcode.KERNEL]
    assert len(program.arrays) == 2 + 2 + 4
    assert len(program.tiles) == 8


def test_a_network_of_constants_alone_needs_no_kernel_for_its_inputs(onnx_file: Write, compiled: Check) -> None:
    program = compiled(onnx_file("g (float[n,4] x) => (float[n,4] x) { }")).program
    assert len(program.instructions) == 0
    assert program.inputs[0].slot == program.outputs[0].slot


def test_operators_that_take_several_nodes(onnx_file: Write, compiled: Check) -> None:
    """A digital product of uint8 by int8 is written as one of uint8: nodes before it move the int8 numbers."""
    text = """g (uint8[n,8] a, int8[8,8] b, float[n,8] c) => (float[n,8] y) {
        d = MatMulInteger(a, b)  f = Cast<to = 1>(d)  t = Exp(c)  y = Mul(f, t) }"""
    program = compiled(onnx_file(text), chip="pcm-256").program
    nodes = load_model_from_string(program.kernels[0].model).graph.node
    working = {nodes[int(row[1])].op_type for row in program.operations}
    assert working == {"MatMulInteger", "Cast", "Exp", "Mul"}
    assert len(nodes) > len(working)
