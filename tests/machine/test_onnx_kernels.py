"""Kernels in ONNX Runtime: outputs in their order, one line for what it refuses, no other computation."""

from dataclasses import replace

import numpy as np
import pytest
from onnx import parser

from cimc.machine.machine import Machine
from cimc.machine.onnx_kernels import OnnxKernels, plain_session
from cimc.program.errors import ProgramError
from cimc.program.metadata import Kernel, Value
from cimc.program.program import Program
from cimc.program.records import kernel_record


def model(graph: str) -> bytes:
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {graph}').SerializeToString()


def test_outputs_come_in_the_order_of_their_slots(handmade: Program) -> None:
    content = model("g (float[n] v3, float[n] v7) => (float[n] v1, float[n] v9) { v9 = Neg(v3)  v1 = Abs(v7) }")
    kernels = OnnxKernels(replace(handmade, kernels=[Kernel(content, (7, 3), (9, 1), ("/a", "/b"))]))
    outputs = kernels.run(0, kernels.feeds(0, {7: np.array([-2], np.float32), 3: np.array([5], np.float32)}))
    assert [output.tolist() for output in outputs] == [[-5], [2]]


def test_kernels_share_the_constants(handmade: Program) -> None:
    """Each takes those that it names, by the program's numbers."""
    x = np.array([[1, -2, 3, -4]], np.float32)
    kernels = OnnxKernels(replace(handmade, constants=[np.full(4, 2, np.float32), handmade.constants[1]]))
    assert kernels.run(0, kernels.feeds(0, {kernels.kernels[0].inputs[0]: x}))[0].tolist() == [[2, 4, 6, 8]]


def test_nodes_are_computed_as_they_stand() -> None:
    """In float32 the sum is rounded before the difference is taken; nothing is put together."""
    session = plain_session(model("g (float[1] x, float[1] y) => (float[1] z) { s = Add(x, y)  z = Sub(s, x) }"))
    feeds = {"x": np.array([2.0**24], np.float32), "y": np.array([1], np.float32)}
    assert session.run(["z"], feeds)[0].tolist() == [0]
    assert [output.name for output in session.get_outputs()] == ["z"]


@pytest.mark.parametrize(("nodes", "shown"), [("abc", "a, b, c"), ("abcd", r"a, b, c \.\.\.")])
def test_kernel_that_is_no_network(handmade: Program, nodes: str, shown: str) -> None:
    broken = Kernel(b"", (0,), (1,), tuple(nodes))
    with pytest.raises(ProgramError, match=rf"^kernel 0 \(nodes {shown}\) is not accepted by ONNX Runtime: .+$"):
        Machine(replace(handmade, kernels=[broken, handmade.kernels[1]]))


def test_kernel_that_fails(handmade: Program) -> None:
    """A kernel that is fed what its model does not take: one line, with the nodes."""
    program = replace(
        handmade,
        instructions=kernel_record(stage=0, kernel=1),
        kernels=[handmade.kernels[0], replace(handmade.kernels[1], inputs=(0,))],
        outputs=[Value("y", "float32", ("batch", 3), 4)],
    )
    with pytest.raises(ProgramError, match=r"^kernel 1 \(nodes /scale\) fails in ONNX Runtime: [^\n]+$"):
        Machine(program).run({"x": np.zeros((1, 4), np.float32)})
