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


def tiled(weight: str, values: str = "1", columns: int = 10) -> Network:
    """The network of one multiplication of 6 by `columns` after the pass, on arrays of 4x4."""
    context = make_context()
    text = f"""
    cim.weight @w = dense<{values}> : {weight}
    func.func @main(%x: tensor<?x6xui8>) -> tensor<?x{columns}xi32> {{
      %acc = cim.matmul %x, @w : tensor<?x6xui8> -> tensor<?x{columns}xi32> loc("/fc")
      func.return %acc : tensor<?x{columns}xi32>
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


def test_rows_of_zeros_at_the_end_of_a_block_are_in_no_tile() -> None:
    """They fill it up to the size of the others; blocks of a product, and those of zeros alone, keep their size."""
    values = "[[[1, 2], [3, 0]], [[0, 4], [0, 0]], [[0, 0], [0, 0]]]"
    for kind, rows in (("block_diagonal", [2, 1, 2]), ("monarch", [2, 2, 2])):
        structure = f'#cim.block_diagonal<3 blocks of 2x2, "{kind}">'
        network = tiled(f"tensor<3x2x2xi8> structure {structure}", values, columns=6)
        (multiply,) = network.body
        assert isinstance(multiply, MultiplyOp)
        assert multiply.tiles.array.tolist() == [[2 * i, 2 * i, r, 2] for i, r in enumerate(rows)]
