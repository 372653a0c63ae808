"""Multiplications by weights of every structure become multiplications by tiles, which keep their names."""

import pytest
from xdsl.parser import Parser

from cimc.hardware.library import load_chip
from cimc.universe import make_context
from dialects.array import MultiplyOp
from dialects.hardware import MODULE_KEY
from dialects.locations import node_name
from dialects.network import Network
from passes.tile_blocks import TileBlocksPass

BLOCKS = 'tensor<2x3x5xi8> structure #cim.block_diagonal<2 blocks of 3x5, "block_diagonal">'
TABLE = 'tensor<6x10xi8> structure #cim.blocks<"sparse", [rows 0 to 0, columns 0 to 1], [rows 1 to 5, columns 2 to 9]>'


def tiled(weight: str) -> Network:
    """The network of one multiplication of 6 by 10 after the pass, on arrays of 4x4."""
    context = make_context()
    text = f"""
    cim.weight @w = dense<1> : {weight}
    func.func @main(%x: tensor<?x6xui8>) -> tensor<?x10xi32> {{
      %acc = cim.matmul %x, @w : tensor<?x6xui8> -> tensor<?x10xi32> loc("/fc")
      func.return %acc : tensor<?x10xi32>
    }}"""
    module = Parser(context, text).parse_module()
    module.attributes[MODULE_KEY] = load_chip("tiny-4")
    TileBlocksPass().apply(context, module)
    module.verify()
    return Network.of(context, module)


@pytest.mark.parametrize(
    ("weight", "tiles"),
    [
        ("tensor<6x10xi8>", [[k, n, min(4, 6 - k), min(4, 10 - n)] for k in (0, 4) for n in (0, 4, 8)]),
        (BLOCKS, [[0, 0, 3, 4], [0, 4, 3, 1], [3, 5, 3, 4], [3, 9, 3, 1]]),
        (TABLE, [[0, 0, 1, 2], [1, 2, 4, 4], [1, 6, 4, 4], [5, 2, 1, 4], [5, 6, 1, 4]]),
    ],
)
def test_tiles(weight: str, tiles: list[list[int]]) -> None:
    (multiply,) = tiled(weight).body
    assert isinstance(multiply, MultiplyOp)
    assert multiply.tiles.array.tolist() == tiles
    assert node_name(multiply) == "/fc"
    assert multiply.result.name_hint == "acc"
