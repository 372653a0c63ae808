"""Multiplications in arrays, and pairs of factors with a permutation between them."""

import pytest
from xdsl.parser import Parser

from cimc.hardware.library import load_chip
from cimc.universe import make_context
from dialects.network import Network
from dialects.weights import WeightStore
from passes.rewriting.multiplications import permuted_product, tiled_multiplies, tiles_of

TEXT = """
cim.weight @w = dense<1> : tensor<4x4xi8>
cim.weight @p = dense<[3, 2, 1, 0]> : tensor<4xi64>
func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
  %a = cim.permute %x, @p : tensor<?x4xui8> -> tensor<?x4xui8>
  %b = array.multiply %a by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>
  %c = cim.matmul %x, @w : tensor<?x4xui8> -> tensor<?x4xi32> loc("/c")
  %d = cim.permute %c, @p : tensor<?x4xi32> -> tensor<?x4xi32>
  %e = cim.permute %d, @p : tensor<?x4xi32> -> tensor<?x4xi32>
  func.return %e : tensor<?x4xi32>
}"""


def network() -> Network:
    return Network(Parser(make_context(), TEXT).parse_module(), WeightStore())


def test_multiplications_by_tiles() -> None:
    a, b, *_ = network().body
    assert tiled_multiplies([a, b]) == [b]
    assert tiled_multiplies([a]) == []


@pytest.mark.parametrize(
    ("weight", "tiles"),
    [
        ("tensor<6x5xi8>", [[0, 0, 4, 4], [0, 4, 4, 1], [4, 0, 2, 4], [4, 4, 2, 1]]),
        (
            'tensor<2x3x5xi8> structure #cim.block_diagonal<2 blocks of 3x5, "monarch">',
            [[0, 0, 3, 4], [0, 4, 3, 1], [3, 5, 3, 4], [3, 9, 3, 1]],
        ),
    ],
)
def test_tiles_of_a_matrix_and_of_blocks(weight: str, tiles: list[list[int]]) -> None:
    text = f"cim.weight @w = dense<1> : {weight}\nfunc.func @main() {{\n  func.return\n}}"
    made = Network(Parser(make_context(), text).parse_module(), WeightStore())
    assert tiles_of(made.weight("w"), made, load_chip("tiny-4")).tolist() == tiles


def test_permuted_products() -> None:
    """The product right before the one permutation: not that of a network's input, nor one further off."""
    a, b, c, d, e = (op.results[0] for op in network().body)
    assert [permuted_product(value) for value in (a, b, c, e)] == [None] * 4
    assert permuted_product(d) is d.owner.operands[0].owner
