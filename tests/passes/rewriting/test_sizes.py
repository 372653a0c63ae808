"""Arithmetic with sizes: in Python where they are known, and with the same result by ONNX's operators elsewhere."""

import numpy as np
import pytest
from xdsl.ir import SSAValue
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network, Port
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.sizes import Size, Sizes, known


def sizes_of(shape: str) -> tuple[Network, Sizes, SSAValue]:
    ctx = make_context(WeightStore())
    text = f"func.func @main(%x: tensor<{shape}xf32>) -> tensor<{shape}xf32> {{ func.return %x : tensor<{shape}xf32> }}"
    network = Network.of(ctx, Parser(ctx, text).parse_module())
    return network, Sizes(DigitalBuilder(network, network.returned)), network.block.args[0]


def value_of(network: Network, sizes: Sizes, size: Size, x: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> int:
    value = sizes.scalar(size)
    model = GraphWriter(network).model(network.body, [(network.block.args[0], Port("x", ()))], [(value, Port("v", ()))])
    return run_graph(model, {"x": x})["v"].item()


@pytest.mark.parametrize("shape", ["7x4", "?x?"])
def test_arithmetic(shape: str) -> None:
    network, sizes, x = sizes_of(shape)
    a, b = sizes.of(x, 0), sizes.of(x, 1)
    assert (known(a), known(b)) == ((7, 4) if shape == "7x4" else (known(a), known(a)))
    results = [
        sizes.add(a, b),
        sizes.subtract(b, a),
        sizes.multiply(a, b),
        sizes.divide(a, 2),
        sizes.at_least_0(sizes.subtract(b, a)),
        sizes.at_least_0(sizes.subtract(a, b)),
        sizes.product([a, 2, b]),
    ]
    image = np.zeros((7, 4), np.float32)
    assert [value_of(network, sizes, result, image) for result in results] == [11, -3, 28, 3, 0, 3, 56]
    assert all(isinstance(result, int) for result in results) == (shape == "7x4")


def test_what_changes_nothing_makes_no_operator() -> None:
    _, sizes, x = sizes_of("?x?")
    size = sizes.of(x, 0)
    same = [
        sizes.add(size, 0),
        sizes.add(0, size),
        sizes.subtract(size, 0),
        sizes.multiply(size, 1),
        sizes.divide(size, 1),
    ]
    assert all(other is size for other in same)


def test_vectors_and_ranges() -> None:
    network, sizes, x = sizes_of("?x4")
    values = [sizes.vector([sizes.of(x, 0), 5]), sizes.vector([2, 3]), sizes.range(0, sizes.of(x, 0), 3)]
    ports = [(value, Port(f"v{i}", ())) for i, value in enumerate(values)]
    model = GraphWriter(network).model(network.body, [(x, Port("x", ()))], ports)
    results = run_graph(model, {"x": np.zeros((7, 4), np.float32)})
    assert [results[f"v{i}"].tolist() for i in range(3)] == [[7, 5], [2, 3], [0, 3, 6]]
