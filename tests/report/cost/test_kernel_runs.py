"""Shapes that are seen when the kernels of a program run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.report.cost import kernel_runs
from cimc.report.cost.kernel_runs import run_kernels


def test_the_handmade_program(handmade: Program) -> None:
    run = run_kernels(handmade, {"batch": 3})
    assert [[(o.op_type, o.output_shapes) for o in kernel] for kernel in run.kernels] == [
        [("Mul", ((3, 4),)), ("Abs", ((3, 4),)), ("Cast", ((3, 4),))],
        [("Cast", ((3, 3),)), ("Mul", ((3, 3),))],
    ]
    assert run.kernels[0][0].input_shapes == ((3, 4), (4,))
    assert run.constants == (frozenset({"constant0"}), frozenset({"constant1"}))
    assert run.vectors == {2: 3, 3: 3}
    assert run.tokens == 3
    assert run.permuted_bits == {2: 4 * 8}


def test_dimensions_without_a_name_are_one(handmade: Program) -> None:
    (x,) = handmade.inputs
    run = run_kernels(replace(handmade, inputs=[replace(x, shape=(None, 4))]), {})
    assert run.tokens == 1


def test_inputs_of_any_shape_are_not_made_up(handmade: Program) -> None:
    (x,) = handmade.inputs
    with pytest.raises(ProgramError, match="may have any number of dimensions"):
        run_kernels(replace(handmade, inputs=[replace(x, shape=None)]), {})


def test_vectors_that_are_too_short(handmade: Program) -> None:
    """A network that does not say how long its vectors are is run with one element, and a permutation may need more."""
    table = np.array([2, 0, 3, 9], np.int32)
    with pytest.raises(ProgramError, match="table 0 reads element 9 of a made-up vector of 4"):
        run_kernels(replace(handmade, tables=[table]), {"batch": 1})


def test_inputs_that_are_left_out_and_equations(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    graph = """g (float[n,4] x, float[n,4] z) => (float[n,n] y)
        { a = Clip(x, , limit)  y = Einsum <equation = "ij,kj->ik"> (a, z) }"""
    run = run_kernels(compiled(onnx_file(graph, {"limit": np.float32(1)})).program, {"n": 2})
    (clip, einsum) = run.kernels[0]
    assert clip.input_shapes == ((2, 4), (0,), ())
    assert (einsum.equation, einsum.output_shapes) == ("ij,kj->ik", ((2, 2),))


def test_what_bodies_read(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> None:
    graph = """g (float[n,4] x, bool go) => (float[n,4] y) {
        a = Abs(x)  b = Neg(x)
        y = If (go) <then_branch = t () => (float[n,4] p) { q = Add(a, a)  p = Exp(q) },
                     else_branch = e () => (float[n,4] r) { r = If (go) <then_branch = u () => (float[n,4] s)
                         { s = Identity(b) }, else_branch = v () => (float[n,4] w) { w = Identity(a) }> }>
    }"""
    file = onnx_file(graph)
    run = run_kernels(compiled(file, {"x": np.ones((2, 4), np.float32), "go": np.array(True)}).program, {"n": 2})
    made = {operator.op_type: operator.outputs[0] for operator in run.kernels[0]}
    (branch,) = [operator for operator in run.kernels[0] if operator.op_type == "If"]
    assert set(branch.seen) - set(branch.inputs) == {made["Abs"], made["Neg"]}
    assert [operator.seen for operator in run.kernels[0] if operator.op_type != "If"] == [(), ()]


def test_kernels_that_are_damaged(handmade: Program) -> None:
    kernel = handmade.kernels[0]
    for content, message in (
        (b"no protobuf", r"^kernel 0 is no ONNX model, or a damaged one: "),
        (kernel.model.replace(b"Abs", b"\x90\x91\x92"), r"^kernel 0 "),
        (kernel.model.replace(b"scaled", b"\x90caled"), r"^kernel 0 is no ONNX model, or a damaged one: "),
        (kernel.model.replace(b"v1", b"u1"), "^kernel 0 does not compute value 1$"),
    ):
        with pytest.raises(ProgramError, match=message):
            run_kernels(replace(handmade, kernels=[replace(kernel, model=content), handmade.kernels[1]]), {"batch": 1})


def test_sequences_inside_of_a_kernel(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> None:
    """They have no shape that a node could tell, so the values of their kernel are all given."""
    graph = """g (float[n,4] x) => (float[n,2] y)
        { s = SplitToSequence <axis = 1> (x, two)  a = SequenceAt(s, one)  y = Neg(a) }"""
    run = run_kernels(compiled(onnx_file(graph, {"two": np.array(2), "one": np.array(1)})).program, {"n": 3})
    assert [(o.op_type, o.output_shapes) for o in run.kernels[0]] == [
        ("SplitToSequence", ((0,),)), ("SequenceAt", ((3, 2),)), ("Neg", ((3, 2),)),
    ]  # fmt: skip


def test_values_are_forgotten_once_they_are_read(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chain of multiplications has a few values at a time, not those of all its layers."""
    graph = f"g (float[n,4] x0) => (float[n,4] x9) {{ {' '.join(f'x{i + 1} = MatMul(x{i}, w)' for i in range(9))} }}"
    program = compiled(
        onnx_file(graph, {"w": np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)})
    ).program
    counts: list[int] = []
    kernel = kernel_runs.Runner.kernel

    def counted(self: kernel_runs.Runner, number: int) -> None:
        kernel(self, number)
        counts.append(len(self.values))

    monkeypatch.setattr(kernel_runs.Runner, "kernel", counted)
    run_kernels(program, {"n": 2})
    assert len(counts) == 10
    assert max(counts) < 10 < program.slots


def test_what_stands_in_bodies_is_counted_once_an_iteration(
    onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]
) -> None:
    graph = """g (float[5,2,4] xs, float[2,4] x) => (float[2,4] y) {
        y = Scan <num_scan_inputs = 1, body = b (float[2,4] s, float[2,4] p) => (float[2,4] t) {
            k = MatMul(s, w)  t = Add(k, p)
        }> (x, xs)
    }"""
    weight = np.arange(16, dtype=np.float32).reshape(4, 4) % 7
    program = compiled(onnx_file(graph, {"w": weight}), measure=False).program
    run = run_kernels(program, {})
    (product,) = program.multiplications
    assert run.vectors == {product.y: 5 * 2}
    assert run.executions == {0: 5, 1: 5}
