"""Large networks: long ones meet no limit of recursion, and work grows as the network does, counted in calls."""

import cProfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from cimc.compiler import Compilation, Options, compile_network
from cimc.report.report import report_of

Check = Callable[..., Compilation]
Kind = Callable[[int], GraphProto]
Inputs = dict[str, NDArray[np.float32]]

WIDTH = 4
DEPTH = 1500
"""More than Python's limit of recursion."""


def graph(nodes: Sequence[NodeProto], constants: dict[str, NDArray[np.float32]], columns: int = WIDTH) -> GraphProto:
    """A graph from `x` to `y`."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, WIDTH])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, columns])
    return helper.make_graph(nodes, "large", [x], [y], [numpy_helper.from_array(a, n) for n, a in constants.items()])


def chain(operators: Sequence[str], count: int, *more: str) -> list[NodeProto]:
    """`count` nodes from `x` to `y`, each made of the one before it (and of `more`)."""
    names = ["x", *(f"t{i}" for i in range(count - 1)), "y"]
    return [
        helper.make_node(operators[i % len(operators)], [names[i], *more], [names[i + 1]], name=f"node {i}")
        for i in range(count)
    ]


def weights(count: int) -> dict[str, NDArray[np.float32]]:
    generator = np.random.default_rng(0)
    return {f"w{i}": generator.standard_normal((WIDTH, WIDTH), np.float32) for i in range(count)}


def small_nodes(count: int) -> GraphProto:
    return graph(chain(["Relu", "Neg", "Abs", "Tanh"], count), {})


def backwards(count: int) -> GraphProto:
    return graph(chain(["Relu", "Neg"], count)[::-1], {})


def aliases(count: int) -> GraphProto:
    return graph(chain(["Identity", "Identity", "Relu"], count), {})


def many_inputs(count: int) -> GraphProto:
    nodes = [helper.make_node("Neg", ["x"], [f"t{i}"], name=f"node {i}") for i in range(count)]
    return graph([*nodes, helper.make_node("Sum", [f"t{i}" for i in range(count)], ["y"], name="sum")], {})


def joined(count: int) -> GraphProto:
    nodes = [helper.make_node("Neg", ["x"], [f"t{i}"], name=f"node {i}") for i in range(count)]
    join = helper.make_node("Concat", [f"t{i}" for i in range(count)], ["y"], name="join", axis=1)
    return graph([*nodes, join], {}, WIDTH * count)


def products(count: int) -> GraphProto:
    names = ["x", *(f"t{i}" for i in range(count - 1)), "y"]
    nodes = [helper.make_node("MatMul", [names[i], f"w{i}"], [names[i + 1]], name=f"node {i}") for i in range(count)]
    return graph(nodes, weights(count))


def products_beside_each_other(count: int) -> GraphProto:
    nodes = [helper.make_node("MatMul", ["x", f"w{i}"], [f"t{i}"], name=f"node {i}") for i in range(count)]
    return graph([*nodes, helper.make_node("Sum", [f"t{i}" for i in range(count)], ["y"])], weights(count))


def folded(count: int) -> GraphProto:
    """Constants that are computed, each of its own."""
    names = ["x", *(f"t{i}" for i in range(count - 1)), "y"]
    nodes: list[NodeProto] = []
    for i in range(count):
        nodes.append(helper.make_node("Transpose", [f"w{i}"], [f"c{i}"], name=f"transposition {i}"))
        nodes.append(helper.make_node("Gemm", [names[i], f"c{i}"], [f"p{i}"], name=f"product {i}"))
        nodes.append(helper.make_node("Add", [f"p{i}", f"p{i}"], [names[i + 1]], name=f"node {i}"))
    return graph(nodes, weights(count))


def write(made: GraphProto, folder: Path) -> Path:
    file = folder / "large.onnx"
    opsets = [helper.make_opsetid("", 17)]
    file.write_bytes(helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString())
    return file


@pytest.mark.parametrize("kind", [small_nodes, backwards, aliases, many_inputs, joined], ids=lambda k: k.__name__)
def test_thousands_of_nodes(kind: Kind, compiled: Check, tmp_path: Path) -> None:
    compilation = compiled(write(kind(DEPTH), tmp_path))
    assert str(compilation.distance) == "identical to the original, bit for bit"
    report_of(compilation.program)


def transposed(count: int) -> GraphProto:
    """A long way of transpositions to a product."""
    nodes = [*chain(["Transpose"], 2 * count), helper.make_node("MatMul", ["y", "w0"], ["z"], name="product")]
    nodes[-1].output[0], nodes[-1].input[0], nodes[-2].output[0] = "y", "end", "end"
    return graph(nodes, weights(1))


def cast(count: int) -> GraphProto:
    """A long way to a table: `x` is a number of a row."""
    nodes = chain(["Cast"], count)
    for node in nodes:
        node.attribute.append(helper.make_attribute("to", TensorProto.INT64))
    nodes[-1].output[0] = "rows"
    table = numpy_helper.from_array(np.arange(4 * 40, dtype=np.float32).reshape(40, 4), "table")
    nodes.append(helper.make_node("Gather", ["table", "rows"], ["y"], name="look up"))
    x = helper.make_tensor_value_info("x", TensorProto.INT64, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
    return helper.make_graph(nodes, "large", [x], [y], [table])


def doubled(count: int) -> GraphProto:
    """Movements whose elements come from one value on 2**20 ways, and then a product by blocks."""
    nodes: list[NodeProto] = []
    name = "x"
    for i in range(20):
        nodes.append(helper.make_node("Concat", [name, name], [f"c{i}"], name=f"join {i}", axis=0))
        nodes.append(helper.make_node("Slice", [f"c{i}", "zero", "one", "zero"], [f"s{i}"], name=f"cut {i}"))
        name = f"s{i}"
    nodes.append(helper.make_node("MatMul", [name, "blocks"], ["y"], name="product"))
    made = graph(nodes, {"blocks": np.kron(np.eye(2, dtype=np.float32), np.array([[1, 2], [3, 4]], np.float32))})
    made.initializer.extend(numpy_helper.from_array(np.array([n]), name) for n, name in enumerate(("zero", "one")))
    return made


@pytest.mark.parametrize("kind", [transposed, cast, doubled], ids=lambda k: k.__name__)
def test_long_ways_to_what_passes_look_for(kind: Kind, compiled: Check, tmp_path: Path) -> None:
    compiled(write(kind(DEPTH), tmp_path))


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        (small_nodes, 20),
        (backwards, 20),
        (aliases, 20),
        (many_inputs, 20),
        (joined, 20),
        (products, 6),
        (products_beside_each_other, 6),
        (folded, 6),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_work_grows_as_the_network_does(kind: Kind, count: int, tmp_path: Path) -> None:
    """Four times as many nodes more need four times as many calls more; time would depend on the machine."""
    calls = [_calls(write(kind(n), tmp_path)) for n in (count, 2 * count, 4 * count, 8 * count)]
    assert calls[3] - calls[2] < 4.4 * (calls[1] - calls[0])


def _calls(file: Path) -> int:
    """How many functions a compilation calls."""
    profile = cProfile.Profile()
    with profile:
        compile_network(file, Options(chip="tiny-4"))
    return sum(entry.callcount for entry in profile.getstats())
