"""Weights become several: what is made of multiplications by their parts is what they gave, to the last bit."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.array import MultiplyOp
from dialects.hardware import chip_of
from dialects.network import Network
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from passes.place_tiles.analysis.cuts import Strip
from passes.place_tiles.cutting import cut
from passes.rewriting.multiplications import tiled_multiplies, tiles_of
from passes.rewriting.sweep import sweep
from passes.tile_blocks import TileBlocksPass

CHIP = (
    '#hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, '
    'encoding = "offset">'
)
DENSE = "dense<{}> : tensor<6x6xi8>"
BLOCKS = 'dense<{}> : tensor<2x3x3xi8> structure #cim.block_diagonal<2 blocks of 3x3, "block_diagonal"{}>'


def network(weight: str) -> Network:
    """Two multiplications by a weight of 6x6, of `x` and of what comes of it."""
    context = make_context()
    text = f"""builtin.module attributes {{hardware.chip = {CHIP}}} {{
      cim.weight @order = dense<[3, 0, 5, 1, 2, 4]> : tensor<6xi64>
      cim.weight @w = {weight}
      func.func @main(%x: tensor<?x6xui8>) -> (tensor<?x6xi32>, tensor<?x6xi32>) {{
        %a = cim.matmul %x, @w : tensor<?x6xui8> -> tensor<?x6xi32>
        %c = cim.digital "Cast"(%a) with {{to = 2 : i64}} : (tensor<?x6xi32>) -> tensor<?x6xui8>
        %b = cim.matmul %c, @w : tensor<?x6xui8> -> tensor<?x6xi32>
        func.return %a, %b : tensor<?x6xi32>, tensor<?x6xi32>
      }}
    }}"""
    module = Parser(context, text).parse_module()
    TileBlocksPass().apply(context, module)
    return Network.of(context, module)


def outputs(network: Network) -> list[NDArray[Any]]:
    x = np.random.default_rng(1).integers(0, 256, (3, 6)).astype(np.uint8)
    return list(run_graph(network_model(network), {"input0": x}).values())


@pytest.mark.parametrize(
    ("weight", "strips"),
    [
        (DENSE, [Strip(0, 2, ((0, 6),)), Strip(2, 6, ((0, 6),))]),
        (DENSE, [Strip(0, 6, ((0, 1), (1, 6)))]),
        (DENSE, [Strip(0, 3, ((0, 3), (3, 4), (4, 6))), Strip(3, 6, ((0, 6),))]),
        (BLOCKS, [Strip(0, 3, ((0, 3),)), Strip(3, 6, ((3, 6),))]),
        (BLOCKS, [Strip(0, 2, ((0, 3),)), Strip(2, 6, ((0, 1), (1, 6)))]),
    ],
)
@pytest.mark.parametrize("order", ["", ", columns = @order"])
def test_the_same_to_the_last_bit(weight: str, strips: list[Strip], order: str) -> None:
    shape = (6, 6) if weight is DENSE else (2, 3, 3)
    numbers = np.random.default_rng(0).integers(-128, 128, shape).tolist()
    before = network(weight.format(numbers, order))
    expected = outputs(before)
    cut(tiled_multiplies(before.ops), strips, before, chip_of(before.module))
    sweep(before)
    before.module.verify()
    after = tiled_multiplies(before.ops)
    assert "w" not in before.weights
    assert len(after) == 2 * sum(len(strip.rows) for strip in strips)
    for op in after:
        assert np.array_equal(op.tiles.array, tiles_of(before.weight(op.symbol), before, chip_of(before.module)))
    for found, right in zip(outputs(before), expected, strict=True):
        np.testing.assert_array_equal(found, right, strict=True)


def test_parts_have_what_the_multiplication_said() -> None:
    before = network(DENSE.format("1"))
    first, second = tiled_multiplies(before.ops)
    wide = before.weight("w")
    cut([first, second], [Strip(0, 4, ((0, 6),)), Strip(4, 6, ((0, 6),))], before, chip_of(before.module))
    ops = [op for op in before.ops if isinstance(op, MultiplyOp)]
    assert [op.symbol for op in ops] == ["w.part", "w.part.1"] * 2
    assert all(op.format is None and op.places is None for op in ops)
    assert before.weight("w.part").matrix_shape == (6, 4)
    assert wide.matrix_shape == (6, 6)
