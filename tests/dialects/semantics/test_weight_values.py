"""What numbers a weight stands for: its blocks as a matrix, columns in order, scale and zero point."""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network
from dialects.semantics.weight_values import (
    StoredMatrix,
    column_order,
    float_weight,
    integer_matrix,
    ordered,
    scale_of,
    stored_matrix,
    zero_point_of,
)
from dialects.weights import WeightStore

TEXT = """
cim.weight @dense = dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
cim.weight @scaled = dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8> as #cim.affine<@scale>
cim.weight @moved = dense<[[1, 2, 3], [-128, 5, 6]]> : tensor<2x3xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<[0.5, 1.0, 2.0]> : tensor<3xf32>
cim.weight @zero = dense<[127, 0, 1]> : tensor<3xi32>
cim.weight @blocks = dense<[[[1, 2]], [[3, 4]]]> : tensor<2x1x2xi8>
  structure #cim.block_diagonal<2 blocks of 1x2, "monarch">
cim.weight @order = dense<[2, 0, 3, 1]> : tensor<4xi64>
cim.weight @ordered = dense<[[[1, 2]], [[3, 4]]]> : tensor<2x1x2xi8>
  structure #cim.block_diagonal<2 blocks of 1x2, "monarch", columns = @order>
func.func @main() {
  func.return
}"""


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(Parser(make_context(), TEXT).parse_module(), WeightStore())


def test_scale_and_zero_point(network: Network) -> None:
    assert (scale_of(network.weight("dense"), network), zero_point_of(network.weight("dense"), network)) == (None, None)
    scale, zero = scale_of(network.weight("moved"), network), zero_point_of(network.weight("moved"), network)
    assert scale is not None
    assert zero is not None
    assert (scale.tolist(), zero.tolist()) == ([0.5, 1, 2], [127, 0, 1])
    assert zero_point_of(network.weight("scaled"), network) is None


def test_blocks_are_addressed_as_a_matrix(network: Network) -> None:
    stored = stored_matrix(network.weight("blocks"), network)
    assert stored.shape == (2, 4)
    assert stored.expanded().tolist() == [[1, 2, 0, 0], [0, 0, 3, 4]]
    assert stored.tile(1, 3, 1, 1).tolist() == [[4]]
    assert stored.tile(0, 0, 1, 2).tolist() == [[1, 2]]
    with pytest.raises(AssertionError, match=r"a tile at \(0, 2\) lies outside the blocks"):
        stored.tile(0, 2, 1, 1)


def test_tiles_are_views() -> None:
    matrix = np.arange(12).reshape(3, 4)
    stored = StoredMatrix(matrix)
    assert np.shares_memory(stored.tile(1, 2, 2, 2), matrix)
    assert stored.tile(1, 2, 2, 2).tolist() == [[6, 7], [10, 11]]
    assert stored.expanded() is matrix
    blocks = np.arange(12).reshape(2, 2, 3)
    assert np.shares_memory(StoredMatrix(blocks).tile(2, 3, 2, 3), blocks)


def test_order_of_columns(network: Network) -> None:
    assert column_order(network.weight("dense"), network) is None
    assert column_order(network.weight("blocks"), network) is None
    order = column_order(network.weight("ordered"), network)
    assert order is not None
    assert order.tolist() == [2, 0, 3, 1]
    assert ordered(np.array([10, 20, 30, 40]), order).tolist() == [20, 40, 10, 30]
    assert integer_matrix(network.weight("ordered"), network).tolist() == [[2, 0, 1, 0], [0, 4, 0, 3]]


def test_floats(network: Network) -> None:
    """The zero point goes first, in numbers that are wide enough for int8 less 127."""
    kind = np.dtype(np.float32)
    assert float_weight(network.weight("dense"), network, kind).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert float_weight(network.weight("scaled"), network, kind).tolist() == [[0.5, 2, 6], [2, 5, 12]]
    moved = float_weight(network.weight("moved"), network, kind)
    assert moved.dtype == kind
    assert moved.tolist() == [[-63, 2, 4], [-127.5, 5, 10]]
