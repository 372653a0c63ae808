"""Products of a few bits: exactly what the formulas say, in every structure."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.attributes.structure import BlockDiagonalAttr
from dialects.cim import MatmulOp, weight_op
from dialects.errors import UserError
from dialects.network import Network
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.semantics.weight_values import StoredMatrix, ordered
from dialects.weights import WeightStore
from passes.quantize.analysis.choices import Resolution
from passes.quantize.analysis.quantization import quantised
from passes.quantize.quantize import QuantizePass

Array = NDArray[Any]
GENERATOR = np.random.default_rng(2)


def network(w: Array, order: Array | None = None, any_rank: bool = False) -> tuple[Network, MatmulOp]:
    """`y = x @w`, by blocks [blocks, rows, columns] if that is what `w` has."""
    store = WeightStore()
    blocks = w if w.ndim == 3 else w[None]
    rows, columns = blocks.shape[0] * blocks.shape[1], blocks.shape[0] * blocks.shape[2]
    x, y = f"tensor<?x{rows}xf32>", f"tensor<?x{columns}xf32>"
    middle = ("tensor<*xf32>",) * 2 if any_rank else (x, y)
    text = f"""
func.func @main(%x: {x} {{cim.name = "x", cim.dims = ["tokens", ""]}}) -> {middle[1]} {{
  %h = cim.digital "Identity"(%x) : ({x}) -> {middle[0]}
  %y = cim.matmul %h, @w : {middle[0]} -> {middle[1]}
  func.return %y : {middle[1]}
}}"""
    network = Network(Parser(make_context(store), text).parse_module(), store)
    symbol = None if order is None else "order"
    if order is not None:
        network.add_weight(weight_op("order", order, store))
    structure = BlockDiagonalAttr.of(w.shape, "monarch", symbol) if w.ndim == 3 else None
    network.add_weight(weight_op("w", w, store, structure=structure))
    return network, next(op for op in network.ops if isinstance(op, MatmulOp))


def quantised_network(w: Array, pass_: QuantizePass, order: Array | None = None, any_rank: bool = False) -> Network:
    net, _ = network(w, order, any_rank)
    context = make_context(net.store)
    pass_.apply(context, net.module)
    net.module.verify()
    return Network.of(context, net.module)


def run(net: Network, x: Array) -> Array:
    (y,) = run_graph(network_model(net), {"x": x}).values()
    return y


def per_token(x: Array, bits: int) -> tuple[Array, Array, Array]:
    """Integers, scales and zero points, in float32 step by step (N13)."""
    top = np.float32(2**bits - 1)
    low, high = np.minimum(x.min(1, keepdims=True), 0), np.maximum(x.max(1, keepdims=True), 0)
    scale = np.maximum((high - low) / top, np.finfo(np.float32).tiny)
    zero = np.clip(np.rint(-low / scale), 0, top)
    return np.clip(np.rint(x / scale) + zero, 0, top).astype(np.int64), scale, zero


@pytest.mark.parametrize(("bits", "group", "inputs"), [(4, 3, 8), (3, 4, 5), (2, 6, 4), (8, 5, 6), (6, 7, 8)])
@pytest.mark.parametrize("shape", [(9, 5), (2, 7, 5), (2, 7, 5, "ordered")])
def test_groups_are_scaled_and_added_up(bits: int, group: int, inputs: int, shape: tuple[int, ...]) -> None:  # N12
    w = GENERATOR.standard_normal(shape[:3]).astype(np.float32)
    blocks = w if w.ndim == 3 else w[None]
    count, rows, columns = blocks.shape
    order = GENERATOR.permutation(count * columns) if len(shape) == 4 else None
    x = GENERATOR.standard_normal((6, count * rows)).astype(np.float32) + np.float32(0.3)
    y = run(quantised_network(w, QuantizePass("token", None, bits, group, inputs), order), x)

    made = quantised(w, Resolution(bits, group))
    values = made.values.reshape(blocks.shape).astype(np.int64)
    q, scale, zero = per_token(x, inputs)
    expected = np.zeros((6, count * columns))
    for number, first in enumerate(range(0, rows, made.grid.size)):
        part = np.zeros_like(values)
        part[:, first : first + made.grid.size] = values[:, first : first + made.grid.size]
        matrix = ordered(StoredMatrix(part).expanded(), order)
        scales = ordered(made.grid.scales[:, number].reshape(-1), order)
        expected += (q - zero.astype(np.int64)) @ matrix * scales.astype(np.float64) * scale
    assert np.allclose(y, expected, rtol=0, atol=2e-6 * abs(expected).max())
    near = x @ ordered(StoredMatrix(blocks).expanded(), order)
    assert np.linalg.norm(y - near) < {2: 0.6, 3: 0.25, 4: 0.15}.get(bits, 0.06) * np.linalg.norm(near)


def test_two_groups_have_the_bits_that_the_formula_says() -> None:
    """A sum of two does not depend on their order."""
    w = GENERATOR.standard_normal((8, 5)).astype(np.float32)
    x = GENERATOR.standard_normal((50, 8)).astype(np.float32)
    y = run(quantised_network(w, QuantizePass(weight_bits=4, weight_group=4)), x)
    made, (q, scale, zero) = quantised(w, Resolution(4, 4)), per_token(x, 8)
    scales, values = made.grid.scales[0], made.values.astype(np.int64)
    parts = [(q[:, part] @ values[part]).astype(np.float32) * s for part, s in zip((slice(4), slice(4, 8)), scales)]
    sums = values.reshape(2, 4, 5).sum(1) * scales.astype(np.float64)
    expected = (parts[0] + parts[1] - zero.astype(np.float32) * sums.sum(0).astype(np.float32)) * scale
    assert np.array_equal(y, expected)


@pytest.mark.parametrize("group", [4, 5])
def test_vectors_of_any_rank(group: int) -> None:
    w = GENERATOR.standard_normal((8, 5)).astype(np.float32)
    x = GENERATOR.standard_normal((3, 8)).astype(np.float32)
    pass_ = QuantizePass(weight_bits=4, weight_group=group)
    assert np.array_equal(run(quantised_network(w, pass_, any_rank=True), x), run(quantised_network(w, pass_), x))


def test_groups_of_numbers_whose_products_float32_may_not_hold() -> None:
    w = np.full((4, 2), 1e30, np.float32)
    w[0] = -1e30
    message = (
        r"^node 'cim.matmul': weight @w has scales up to 1.43e\+29, so that float32 may not hold the products of its "
        r"groups: expected scales up to 7.92e\+28, or weight-group=column$"
    )
    with pytest.raises(UserError, match=message):
        quantised_network(w, QuantizePass(weight_bits=4, weight_group=2))
    x = np.array([[1e-30, 0, 0, 0], [0, 1e-30, 0, 0]], np.float32)
    assert np.allclose(run(quantised_network(w, QuantizePass(weight_bits=4)), x), [[-1, -1], [1, 1]], rtol=0.01)


@pytest.mark.parametrize("bits", range(4, 9))
def test_products_say_the_bits_of_their_inputs(bits: int) -> None:
    net = quantised_network(np.eye(4, dtype=np.float32), QuantizePass(activation_bits=bits))
    (matmul,) = (op for op in net.ops if isinstance(op, MatmulOp))
    said = None if matmul.input_bits is None else matmul.input_bits.value.data
    assert said == (None if bits == 8 else bits)
