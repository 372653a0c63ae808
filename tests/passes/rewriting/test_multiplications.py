"""Multiplications in arrays, and pairs of factors with a permutation between them."""

from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network
from dialects.weights import WeightStore
from passes.rewriting.multiplications import permuted_product, tiled_multiplies

TEXT = """
cim.weight @w = dense<1> : tensor<4x4xi8>
cim.weight @p = dense<[3, 2, 1, 0]> : tensor<4xi64>
func.func @main(%x: tensor<?x4xui8>) -> tensor<?x4xi32> {
  %a = cim.permute %x, @p : tensor<?x4xui8> -> tensor<?x4xui8>
  %b = array.multiply %a, @w tiles <[[0, 0, 4, 4]]> : tensor<?x4xui8> -> tensor<?x4xi32>
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


def test_permuted_products() -> None:
    """The product right before the one permutation: not that of a network's input, nor one further off."""
    a, b, c, d, e = (op.results[0] for op in network().body)
    assert [permuted_product(value) for value in (a, b, c, e)] == [None] * 4
    assert permuted_product(d) is d.owner.operands[0].owner
