"""Kernels that are alike: one model, the same bits."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, numpy_helper, parser

from cimc.machine.onnx_kernels import OnnxKernels
from cimc.machine.shared_models import shared_models
from cimc.program.errors import ProgramError
from cimc.program.metadata import Kernel
from cimc.program.program import Program

HEADER = '<ir_version: 8, opset_import: ["" : 17]>'


def kernel(
    graph: str, slots: tuple[int, int], constants: Iterable[int] = (), header: str = HEADER, node: str = "/node"
) -> Kernel:
    """A kernel of one input and one output; initializers named `constant<i>` are constants of the program."""
    model = parser.parse_model(f"{header} {graph}")
    for tensor in model.graph.initializer:
        if tensor.name.startswith("constant"):
            tensor.ClearField("float_data")
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="constants")
    return Kernel(model.SerializeToString(), slots[:1], slots[1:], (node,), tuple(constants))


def scaled(source: int, target: int, factor: float) -> Kernel:
    """y = (x + 1) * factor."""
    return kernel(
        f"g (float[n] v{source}) => (float[n] v{target}) <float one = {{1}}, float f{source} = {{{factor}}}> "
        f"{{ s{target} = Add(v{source}, one)  v{target} = Mul(s{target}, f{source}) }}",
        (source, target),
        node=f"/scale{source}",
    )


def with_kernels(program: Program, *kernels: Kernel) -> OnnxKernels:
    program.kernels = kernels
    return OnnxKernels(program)


def output(kernels: OnnxKernels, number: int, x: NDArray[Any]) -> NDArray[Any]:
    (slot,) = kernels.kernels[number].inputs
    return kernels.run(number, kernels.feeds(number, {slot: x}))[0]


def run(kernels: OnnxKernels, number: int, *numbers: float) -> list[float]:
    return output(kernels, number, np.array(numbers, np.float32)).tolist()


def test_kernels_that_differ_in_names_and_numbers(handmade: Program) -> None:
    """One session; the number that all have in common stays in the model, the other is given to it."""
    kernels = [scaled(0, 1, 2), scaled(1, 2, 3), scaled(5, 7, -1)]
    (shared,) = shared_models(kernels)
    assert list(shared.runs) == [0, 1, 2]
    assert [tensor.dims for tensor in ModelProto.FromString(shared.model).graph.initializer] == [[]]
    assert [[np.asarray(v).tolist() for v in run.given.values()] for run in shared.runs.values()] == [[2], [3], [-1]]
    loaded = with_kernels(handmade, *kernels)
    assert len({id(call.run) for call in loaded.calls}) == 1
    assert [run(loaded, number, 1, 2) for number in range(3)] == [[4, 6], [6, 9], [-2, -3]]


def test_constants_of_the_program(handmade: Program) -> None:
    """They are given by number; what other operators read is in the model."""
    handmade.constants = [np.array([2], np.float32), np.array([5], np.float32)]

    def made(op: str, number: int) -> Kernel:
        name = f"constant{number}"
        graph = f"g (float[n] v0) => (float[m] v1) <float[1] {name} = {{0}}> {{ v1 = {op}(v0, {name}) }}"
        return kernel(graph, (0, 1), [number])

    kernels = [made("Mul", 0), made("Mul", 1), made("Max", 0), made("Max", 1), made("Max", 0)]
    shared = list(shared_models(kernels))
    assert [(list(s.runs), s.external) for s in shared] == [([0, 1], ()), ([2, 4], ("constant0",))]
    loaded = with_kernels(handmade, *kernels)
    assert [run(loaded, number, 3) for number in range(5)] == [[6], [15], [3], [5], [3]]


def test_a_table_of_the_program_is_not_copied(handmade: Program) -> None:
    """A kernel that is alone is given it; its own numbers stay where they are."""
    handmade.constants = [np.arange(8, dtype=np.float32).reshape(4, 2)]
    graph = "g (int64[n] v0) => (float[n, 2] v1) <float[4, 2] constant0 = {0, 0, 0, 0, 0, 0, 0, 0}, float one = {1}> "
    alone = kernel(graph + "{ rows = Gather(constant0, v0)  v1 = Add(rows, one) }", (0, 1), [0])
    (shared,) = shared_models([alone])
    assert (shared.external, list(shared.runs[0].given.values())) == ((), ["constant0"])
    loaded = with_kernels(handmade, alone)
    assert output(loaded, 0, np.array([2, 0])).tolist() == [[5, 6], [1, 2]]


def test_kernels_that_have_to_be_alone(handmade: Program) -> None:
    """Other operators, other types, bodies: nothing is shared."""
    bodies = (
        "then_branch = t () => (float[1] a) { a = Identity(v0) }, else_branch = e () => (float[1] b) { b = Neg(v0) }"
    )
    with_body = kernel(f"g (float[1] v0) => (float[1] v1) <bool c = {{1}}> {{ v1 = If(c) <{bodies}> }}", (0, 1))
    others = [
        kernel(f"g ({kind}[n] v0) => ({kind}[n] v1) {{ v1 = {op}(v0) }}", (0, 1))
        for kind, op in (("float", "Abs"), ("double", "Abs"), ("float", "Neg"))
    ]
    newer = kernel("g (float[n] v0) => (float[n] v1) { v1 = Abs(v0) }", (0, 1), header=HEADER.replace("17", "18"))
    assert list(shared_models([with_body, with_body, *others, newer])) == []
    assert run(with_kernels(handmade, with_body, with_body), 1, 3) == [3]


def test_what_onnx_runtime_says_has_the_names_of_the_kernel(handmade: Program) -> None:
    """Where it refuses one of several, and where one fails."""
    graph = "g (float[n] v{0}) => (float[n] v{1}) <int64[1] s = {{2}}> {{ [reshape{0}] v{1} = Reshape(v{0}, s) }}"
    kernels = [kernel(graph.format(0, 1), (0, 1), node="/a"), kernel(graph.format(1, 2), (1, 2), node="/b")]
    loaded = with_kernels(handmade, *kernels)
    with pytest.raises(ProgramError, match=r"^kernel 1 \(nodes /b\) fails in ONNX Runtime: [^\n]*reshape1[^\n]*$"):
        run(loaded, 1, 1, 2, 3)
    unknown = [kernel(graph.replace("Reshape", "Nothing").format(0, 1), (0, 1), node="/a")] * 2
    with pytest.raises(ProgramError, match=r"^kernel 0 \(nodes /a\) is not accepted by ONNX Runtime: .*Nothing"):
        with_kernels(handmade, *unknown)


def test_a_constant_is_the_same_as_an_input(handmade: Program) -> None:
    """LayerNormalization of layers, with scales of their own: the bits of a session for each."""
    generator = np.random.default_rng(0)

    def layer(number: int) -> Kernel:
        model = parser.parse_model(
            f"{HEADER} g (float[m, 7] v{number}) => (float[m, 7] v{number + 1}) "
            f"{{ v{number + 1} = LayerNormalization(v{number}, scale, bias) }}"
        )
        for name in ("scale", "bias"):
            values = generator.standard_normal(7).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(values, name))
        return Kernel(model.SerializeToString(), (number,), (number + 1,))

    kernels = [layer(0), layer(1)]
    x = generator.standard_normal((3, 7)).astype(np.float32)
    loaded = with_kernels(handmade, *kernels)
    found = [output(loaded, number, x) for number in range(2)]
    for number, alone in enumerate(kernels):
        own = with_kernels(handmade, alone)
        np.testing.assert_array_equal(found[number], output(own, 0, x))
    assert (found[0] != found[1]).any()
