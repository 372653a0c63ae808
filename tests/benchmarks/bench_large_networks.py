"""How long it takes to compile networks of many nodes: in seconds of CPU, and against what a tenth of them takes."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from cimc.compiler import Options, compile_network

AddRow = Callable[..., None]
Network = tuple[list[NodeProto], dict[str, NDArray[np.float32]]]

WIDTH = 8
ALLOWED, AGAINST = 60, "60 s of CPU"
LINEAR = 1.3
"""What ten times as many nodes may take, in tens."""


def names(count: int) -> list[str]:
    return ["x", *(f"t{i}" for i in range(count - 1)), "y"]


def small_nodes(count: int) -> Network:
    """A chain of `Relu` and additions of a constant."""
    values = names(count)
    nodes = [
        helper.make_node("Add", [values[i], "bias"], [values[i + 1]], name=f"node {i}")
        if i % 2
        else helper.make_node("Relu", [values[i]], [values[i + 1]], name=f"node {i}")
        for i in range(count)
    ]
    return nodes, {"bias": np.ones(WIDTH, np.float32)}


def backwards(count: int) -> Network:
    """The same, the last node first."""
    nodes, constants = small_nodes(count)
    return nodes[::-1], constants


def many_inputs(count: int) -> Network:
    """One node with so many inputs, each of another node."""
    nodes = [helper.make_node("Neg", ["x"], [f"t{i}"], name=f"node {i}") for i in range(count)]
    return [*nodes, helper.make_node("Sum", [f"t{i}" for i in range(count)], ["y"], name="sum")], {}


def weights(count: int) -> dict[str, NDArray[np.float32]]:
    generator = np.random.default_rng(0)
    return {f"w{i}": generator.standard_normal((WIDTH, WIDTH), np.float32) for i in range(count)}


def products(count: int) -> Network:
    """Products one after the other."""
    values = names(count)
    inputs: Sequence[list[str]] = [[values[i], f"w{i}"] for i in range(count)]
    return [helper.make_node("MatMul", pair, [y]) for pair, y in zip(inputs, values[1:])], weights(count)


def products_beside_each_other(count: int) -> Network:
    """Products of one vector, all in one stage."""
    nodes = [helper.make_node("MatMul", ["x", f"w{i}"], [f"t{i}"]) for i in range(count)]
    return [*nodes, helper.make_node("Sum", [f"t{i}" for i in range(count)], ["y"])], weights(count)


def seconds(network: Network, folder: Path) -> float:
    """Seconds of CPU to compile a network."""
    nodes, constants = network
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, WIDTH]) for name in "xy")
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "large", [x], [y], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file = folder / "large.onnx"
    file.write_bytes(model.SerializeToString())
    start = time.process_time()
    compile_network(file, Options())
    return time.process_time() - start


@pytest.mark.parametrize(
    ("what", "kind", "count"),
    [
        ("100,000 small nodes", small_nodes, 100_000),
        ("20,000 nodes, the last one first", backwards, 20_000),
        ("a node of 20,000 inputs", many_inputs, 20_000),
        ("10,000 products of 8x8 in a chain", products, 10_000),
        ("10,000 products of 8x8 of one vector", products_beside_each_other, 10_000),
    ],
)
def test_many_nodes(what: str, kind: Callable[[int], Network], count: int, tmp_path: Path, row: AddRow) -> None:
    tenth = min(seconds(kind(count // 10), tmp_path) for _ in range(2))
    whole = seconds(kind(count), tmp_path)
    row(f"compile {what}", seconds=whole, ratio=whole / ALLOWED, against=AGAINST, target=1)
    row(f"compile {what}: growth", ratio=whole / (10 * tenth), against="ten times a tenth of it", target=LINEAR)
