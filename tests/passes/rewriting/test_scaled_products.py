"""What is done around products by integers with scales: the numbers of ONNX Runtime, with and without a known rank."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.float_products import block_product

Array = NDArray[Any]
RNG = np.random.default_rng(0)
BLOCKS, ROWS, OUT = 2, 6, 5
VALUES = RNG.integers(0, 16, (BLOCKS, ROWS, OUT)).astype(np.uint8)


def numbers(shape: tuple[int, ...], low: float = 0.1, high: float = 1.0) -> Array:
    return RNG.uniform(low, high, shape).astype(np.float32)


def pairs(array: Array, axis: int, size: int) -> Array:
    return np.repeat(array, 2, axis=axis).take(np.arange(size), axis=axis)


A_ROW = np.ones((BLOCKS, ROWS, OUT), np.float32) * np.arange(ROWS, dtype=np.float32)[:, None]
ROW_PAIRS, COLUMN_PAIRS = numbers((BLOCKS, 3, OUT)), numbers((BLOCKS, ROWS, 3))
APART = pairs(ROW_PAIRS, 1, ROWS)[:, [0, 2, 4, 1, 3, 5]]
UNEVEN = ROW_PAIRS[:, [0, 0, 0, 0, 1, 1]]
CASES: dict[str, tuple[Array, Array | None]] = {
    "rows": (pairs(ROW_PAIRS, 1, ROWS), None),
    "rows with zero points": (pairs(ROW_PAIRS, 1, ROWS), np.rint(pairs(15 * ROW_PAIRS, 1, ROWS))),
    "rows with fractions": (pairs(ROW_PAIRS, 1, ROWS), pairs(15 * ROW_PAIRS, 1, ROWS)),
    "rows apart": (APART, None),
    "uneven rows apart": (UNEVEN[:, [0, 4, 1, 5, 2, 3]], None),
    "columns": (pairs(COLUMN_PAIRS, 2, OUT), None),
    "columns with zero points": (pairs(COLUMN_PAIRS, 2, OUT), np.rint(pairs(15 * COLUMN_PAIRS, 2, OUT))),
    "a row": (A_ROW + 1, A_ROW * 2),
    "a row times rows": (pairs(ROW_PAIRS, 1, ROWS) * numbers((BLOCKS, ROWS, 1)), None),
}


@pytest.mark.parametrize("rank", [True, False])
@pytest.mark.parametrize("blocks", [1, BLOCKS])
@pytest.mark.parametrize("name", CASES)
def test_products(name: str, blocks: int, rank: bool) -> None:
    scale, zero = (None if array is None else array[:blocks] for array in CASES[name])
    assert scale is not None
    zero = zero if zero is None or (zero != np.rint(zero)).any() else zero.astype(np.int32)
    tensor = ConstantTensor(VALUES[:blocks], "w", scale=scale, zero_point=zero)
    type_ = f"tensor<{f'?x?x{blocks * ROWS}' if rank else '*'}xf32>"
    context = make_context()
    text = f"func.func @main(%x: {type_}) -> {type_} {{ func.return %x : {type_} }}"
    network = Network.of(context, Parser(context, text).parse_module())
    builder = DigitalBuilder(network, network.returned)
    network.returned.operands[0] = block_product(builder, network.block.args[0], tensor)
    x = RNG.standard_normal((2, 3, blocks * ROWS), np.float32)
    (y,) = run_graph(network_model(network), {"input0": x}).values()
    expected = np.einsum("abgk,gkn->abgn", x.reshape(2, 3, blocks, ROWS), tensor.numbers().astype(np.float64))
    np.testing.assert_allclose(y, expected.reshape(2, 3, -1), rtol=1e-4, atol=1e-3)
    assert "w.int8" in network.weights


def test_vectors_are_made_once_for_weights_that_need_the_same() -> None:
    """Two weights with rows that lie apart in the same way: one zero behind the vector, and one order."""
    context = make_context()
    text = "func.func @main(%x: tensor<?x6xf32>) -> tensor<?x6xf32> { func.return %x : tensor<?x6xf32> }"
    network = Network.of(context, Parser(context, text).parse_module())
    scale = CASES["uneven rows apart"][0][:1]
    for name, values in (("v", VALUES[:1]), ("w", 15 - VALUES[:1])):
        block_product(
            DigitalBuilder(network, network.returned), network.block.args[0], ConstantTensor(values, name, scale=scale)
        )
    names = [op.name if op.name != "cim.digital" else str(op.properties["op_type"]) for op in network.ops]
    assert (names.count('"Pad"'), names.count("cim.permute"), names.count("cim.matmul")) == (1, 1, 2)
