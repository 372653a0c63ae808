"""Loops, scans and branches in each other: all their multiplications in arrays, and the bits of the reference."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from cimc.compiler import Compilation, Options, compile_network
from cimc.machine.machine import Machine
from cimc.machine.stoppable import TooLong, time_limit

Checked = Callable[..., Compilation]

WIDTH = 4
Inputs = dict[str, NDArray[Any]]


class ControlNetwork:
    """A network of vectors [2, 4] from dice; `inputs` are some that it takes.

    Where their number is not told, loops run at least once: what they stack up otherwise has a size of 0 for it.
    """

    def __init__(self, dice: np.random.Generator, depth: int = 2):
        self.dice, self.count = dice, 0
        self.constants: list[TensorProto] = []
        self.ports: list[ValueInfoProto] = []
        self.inputs: Inputs = {}
        self.rows: int | str = 2 if dice.random() < 0.5 else "n"
        x = self._input("x", dice.normal(size=(2, WIDTH)).astype(np.float32), [self.rows, WIDTH])
        nodes: list[NodeProto] = []
        values = self._steps(nodes, [x], depth, 3)
        outputs = [self._vector(name) for name in dict.fromkeys(values[1:])]
        graph = helper.make_graph(nodes, "g", self.ports, outputs, self.constants)
        self.model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def _name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def _input(self, stem: str, array: NDArray[Any], dims: list[str | int]) -> str:
        name = self._name(stem)
        self.inputs[name] = array
        self.ports.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), dims))
        return name

    def _constant(self, stem: str, array: NDArray[Any]) -> str:
        name = self._name(stem)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def _weight(self) -> str:
        return self._constant("w", (self.dice.normal(size=(WIDTH, WIDTH)) / 2).astype(np.float32))

    def _steps(self, nodes: list[NodeProto], values: list[str], depth: int, count: int) -> list[str]:
        """More vectors, each of some before; whole constructs of control flow among them."""
        values = list(values)
        for number in range(count):
            if depth and number == count - 1:
                maker = (self._if, self._loop, self._scan)[int(self.dice.integers(3))]
                values.append(maker(nodes, values, depth - 1))
            else:
                values.append((self._sum if self.dice.random() < 0.3 else self._product)(nodes, values))
        return values

    def _pick(self, values: list[str]) -> str:
        return values[int(self.dice.integers(len(values)))]

    def _node(self, nodes: list[NodeProto], op: str, inputs: list[str], outputs: int = 1, **settings: Any) -> list[str]:
        names = [self._name("v") for _ in range(outputs)]
        nodes.append(helper.make_node(op, inputs, names, name=self._name(f"/{op.lower()}"), **settings))
        return names

    def _product(self, nodes: list[NodeProto], values: list[str]) -> str:
        (product,) = self._node(nodes, "MatMul", [self._pick(values), self._weight()])
        return self._node(nodes, "Tanh", [product])[0] if self.dice.random() < 0.7 else product

    def _sum(self, nodes: list[NodeProto], values: list[str]) -> str:
        return self._node(nodes, "Add", [self._pick(values), self._pick(values)])[0]

    def _body(self, values: list[str], depth: int) -> tuple[list[NodeProto], list[str]]:
        """The nodes of a body that sees `values`, and the vectors that they make."""
        nodes: list[NodeProto] = []
        return nodes, self._steps(nodes, values, depth, 2)[len(values) :]

    def _if(self, nodes: list[NodeProto], values: list[str], depth: int) -> str:
        (total,) = self._node(nodes, "ReduceSum", [self._pick(values)], keepdims=0)
        (condition,) = self._node(nodes, "Greater", [total, self._constant("zero", np.array(0, np.float32))])
        branches: list[GraphProto] = []
        for _ in range(2):
            inner, made = self._body(values, depth)
            branches.append(helper.make_graph(inner, self._name("branch"), [], [self._vector(made[-1])]))
        return self._node(nodes, "If", [condition], then_branch=branches[0], else_branch=branches[1])[0]

    def _loop(self, nodes: list[NodeProto], values: list[str], depth: int) -> str:
        iteration, running, state = (self._name(stem) for stem in ("i", "running", "state"))
        inner, made = self._body([*values, state], depth)
        (again,) = self._node(inner, "Less", [iteration, self._constant("most", np.array(self.dice.integers(4)))])
        seen = made[0] if made[0] != made[-1] else self._node(inner, "Neg", [made[0]])[0]
        ports = [
            helper.make_tensor_value_info(iteration, TensorProto.INT64, []),
            helper.make_tensor_value_info(running, TensorProto.BOOL, []),
            self._vector(state),
        ]
        ends = [helper.make_tensor_value_info(again, TensorProto.BOOL, []), self._vector(made[-1]), self._vector(seen)]
        body = helper.make_graph(inner, self._name("body"), ports, ends)
        trips = ""
        if self.dice.random() < 0.8:
            number = np.array(self.dice.integers(self.rows == "n", 4), np.int64)
            trips = self._input("trips", number, []) if self.dice.random() < 0.5 else self._constant("trips", number)
        condition = (
            self._constant("go", np.array(self.rows == "n" or self.dice.random() < 0.8))
            if self.dice.random() < 0.5
            else ""
        )
        last, seen_all = self._node(nodes, "Loop", [trips, condition, self._pick(values)], 2, body=body)
        (total,) = self._node(nodes, "ReduceSum", [seen_all, self._constant("axes", np.array([0]))], keepdims=0)
        return self._node(nodes, "Add", [last, total])[0]

    def _scan(self, nodes: list[NodeProto], values: list[str], depth: int) -> str:
        axis, axis_out = (int(n) for n in self.dice.integers(-3, 3, 2))
        backwards, backwards_out = (int(n) for n in self.dice.integers(2, size=2))
        shape: list[str | int] = [self.rows, WIDTH]
        shape.insert(axis % 3, f"steps{self.count}")
        array = np.moveaxis(self.dice.normal(size=(3, 2, WIDTH)).astype(np.float32), 0, axis % 3)
        whole = self._input("whole", np.ascontiguousarray(array), shape)
        state, part = self._name("state"), self._name("part")
        inner, made = self._body([*values, state, part], depth)
        (seen,) = self._node(inner, "Add", [made[-1], part])
        ends = [self._vector(made[-1]), self._vector(seen)]
        body = helper.make_graph(inner, self._name("body"), [self._vector(state), self._vector(part)], ends)
        last, seen_all = self._node(
            nodes, "Scan", [self._pick(values), whole], 2, body=body, num_scan_inputs=1, scan_input_axes=[axis],
            scan_input_directions=[backwards], scan_output_axes=[axis_out], scan_output_directions=[backwards_out],
        )  # fmt: skip
        (total,) = self._node(nodes, "ReduceSum", [seen_all, self._constant("axes", np.array([axis_out]))], keepdims=0)
        return self._node(nodes, "Add", [last, total])[0]

    def _vector(self, name: str) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [self.rows, WIDTH])


def written(model: ModelProto, folder: Path) -> Path:
    file = folder / "network.onnx"
    file.write_bytes(model.SerializeToString())
    return file


def products(graph: GraphProto) -> int:
    """The multiplications of a graph and its bodies."""
    return sum(
        (node.op_type == "MatMul") + sum(products(attribute.g) for attribute in node.attribute) for node in graph.node
    )


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed: int, compiled: Checked, tmp_path: Path) -> None:
    network = ControlNetwork(np.random.default_rng(seed))
    compilation = compiled(written(network.model, tmp_path), network.inputs, measure=False)
    kernels = [ModelProto.FromString(kernel.model).graph for kernel in compilation.program.kernels]
    assert products(network.model.graph) >= len(compilation.program.multiplications) > 0
    assert sum(map(products, kernels)) == 0
    (tmp_path / "reference.onnx").unlink()
    reference = Machine(compilation.program, "reference").run(network.inputs)
    machine = Machine(compilation.program)
    for _ in range(2):  # what a run keeps for the next is not seen in it
        for name, array in machine.run(network.inputs).items():
            np.testing.assert_array_equal(array, reference[name], strict=True)


LOOP = """g (int64 trips, float[{n},4] x) => (float[m,4] y, float[k,m,4] all) {{
    y, all = Loop(trips, , x) <body = b (int64 i, bool go, float[{n},4] s)
        => (bool again, float[{n},4] t, float[{n},4] seen) {{
      t = MatMul(s, w)  seen = Neg(t)  again = Identity(go)
    }}>
}}"""


def test_without_an_iteration_shapes_are_those_of_the_reference(
    compiled: Checked, onnx_file: Callable[..., Path]
) -> None:
    for size in ("n", "2"):
        file = onnx_file(LOOP.format(n=size), {"w": np.eye(4, dtype=np.float32)})
        inputs = {"trips": np.array(0), "x": np.ones((2, 4), np.float32)}
        compilation = compiled(file, inputs, measure=False)
        outputs = Machine(compilation.program).run(inputs)
        assert outputs["all"].shape == ((0, 0, 4) if size == "n" else (0, 2, 4))
        np.testing.assert_array_equal(outputs["y"], inputs["x"])


def test_an_endless_loop_ends_at_the_time_limit(tmp_path: Path, onnx_file: Callable[..., Path]) -> None:
    file = onnx_file(
        LOOP.format(n="n").replace("seen = Neg(t)", "seen = Sub(t, t)"), {"w": np.eye(4, dtype=np.float32)}
    )
    machine = Machine(compile_network(file, Options(chip="tiny-4", measure=False)).program)
    with time_limit(0.2), pytest.raises(TooLong):
        machine.run({"trips": np.array(10**12), "x": np.zeros((1, 4), np.float32)})


def test_control_flow_without_multiplications_stays_in_a_kernel(
    onnx_file: Callable[..., Path], compiled: Checked
) -> None:
    file = onnx_file(
        "g (bool c, float[n,4] x) => (float[n,4] y) { p = MatMul(x, w)"
        " y = If(c) <then_branch = t () => (float[n,4] a) { a = Neg(p) },"
        " else_branch = e () => (float[n,4] b) { b = Abs(p) }> }",
        {"w": np.eye(4, dtype=np.float32)},
    )
    inputs: Mapping[str, NDArray[Any]] = {"c": np.array(True), "x": np.ones((2, 4), np.float32)}
    assert compiled(file, inputs, measure=False).program.controls == []


def test_static_activations_have_the_ranges_of_all_iterations(
    tmp_path: Path, onnx_file: Callable[..., Path], compiled: Checked
) -> None:
    """A state that doubles: its range is that of the last iteration, and of a branch never taken there is none."""
    file = onnx_file(LOOP.format(n="n"), {"w": (np.roll(np.eye(4), 1, axis=1) * 2 + 0.01).astype(np.float32)})
    x = np.array([[1, 2, 3, -4]], np.float32)
    inputs: Mapping[str, NDArray[Any]] = {"trips": np.array(4), "x": x}
    for trips in (4, 0):
        np.savez(tmp_path / "calibration.npz", trips=np.array(trips), x=x)
        compilation = compiled(
            file, inputs, measure=False, activations="static", calibrate=str(tmp_path / "calibration.npz")
        )
        outputs = Machine(compilation.program).run(inputs)
        exact = x @ np.linalg.matrix_power(np.roll(np.eye(4), 1, axis=1) * 2 + 0.01, 4)
        np.testing.assert_allclose(outputs["y"], exact, atol=0.05 * np.abs(exact).max())
