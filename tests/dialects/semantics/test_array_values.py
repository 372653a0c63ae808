"""The matrix that tiles give back: from the weight, from where they were put, and wrong where a table is wrong."""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.array import MultiplyOp
from dialects.network import Network
from dialects.semantics.array_values import image_of, matrix_of
from dialects.weights import WeightStore

TILES = "tiles = #array.table<[[0, 0, 2, 2], [0, 2, 2, 1], [2, 0, 1, 2], [2, 2, 1, 1]]>"
MATRIX = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def network_of(*tables: str, weight: str = "@w", size: str = "3") -> Network:
    """A network of a multiplication for each of `tables`: properties besides its weight, in generic form."""
    types = f"(tensor<?x{size}xui8>) -> tensor<?x{size}xi32>"
    lines = [
        f'%y{i} = "array.multiply"(%x) <{{weight = {weight}, {table}}}> : {types}' for i, table in enumerate(tables)
    ]
    body = "\n".join(lines)
    text = f"""
    cim.weight @w = dense<{MATRIX}> : tensor<3x3xi8>
    cim.weight @order = dense<[3, 2, 1, 0]> : tensor<4xi64>
    cim.weight @blocks = dense<[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]> : tensor<2x2x2xi8>
      structure #cim.block_diagonal<2 blocks of 2x2, "monarch", columns = @order>
    func.func @main(%x: tensor<?x{size}xui8>) -> tensor<?x{size}xi32> {{
      {body}
      func.return %y0 : tensor<?x{size}xi32>
    }}"""
    return Network(Parser(make_context(), text).parse_module(), WeightStore())


def multiplies(network: Network) -> list[MultiplyOp]:
    return [op for op in network.body if isinstance(op, MultiplyOp)]


def matrices(network: Network) -> list[list[list[int]]]:
    image = image_of(multiplies(network), network)
    found = [matrix_of(op, network, image) for op in multiplies(network)]
    assert all(matrix.dtype == np.int8 for matrix in found)
    return [matrix.tolist() for matrix in found]


PLACES = "places = #array.table<[[0, 0, 0], [0, 0, 2], [1, 1, 1], [3, 0, 0]]>"


@pytest.mark.parametrize("table", [TILES, f"{TILES}, {PLACES}"])
def test_the_whole_matrix_comes_back(table: str) -> None:
    assert matrices(network_of(table)) == [MATRIX]


COPIES = "copies = 2, tiles = #array.table<[[0, 0, 2, 3], [2, 0, 1, 3], [0, 0, 3, 2], [0, 2, 3, 1]]>"


@pytest.mark.parametrize(("row", "expected"), [(0, MATRIX), (1, [[4, 5, 3], [7, 8, 6], [0, 0, 9]])])
def test_each_copy_holds_the_whole_matrix(row: int, expected: list[list[int]]) -> None:
    """Also the second one, which is cut in another way; where its first tile is a row too high, that shows."""
    network = network_of(f"{COPIES}, places = #array.table<[[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]]>")
    (op,) = multiplies(network)
    image = image_of([op], network)
    image[2] = np.pad(image[2][row:], ((0, row), (0, 0)))
    assert matrix_of(op, network, image).tolist() == expected


def test_the_image_is_as_large_as_what_is_in_use() -> None:
    network = network_of(f"{TILES}, {PLACES}")
    image = image_of(multiplies(network), network)
    assert {number: content.tolist() for number, content in image.items()} == {
        0: [[1, 2, 3], [4, 5, 6]],
        1: [[0, 0, 0], [0, 7, 8]],
        3: [[9]],
    }


def test_without_places_nothing_lies_in_arrays() -> None:
    network = network_of(TILES)
    assert image_of(multiplies(network), network) == {}


def test_what_lies_on_a_tile_shows() -> None:
    """A later tile overwrites an earlier one."""
    first, second = matrices(
        network_of(
            "tiles = #array.table<[[0, 0, 2, 2]]>, places = #array.table<[[0, 0, 0]]>",
            "tiles = #array.table<[[1, 1, 2, 2]]>, places = #array.table<[[0, 1, 1]]>",
        )
    )
    assert first == [[1, 2, 0], [4, 5, 0], [0, 0, 0]]
    assert second == [[0, 0, 0], [0, 5, 6], [0, 8, 9]]
    first, _ = matrices(
        network_of(
            "tiles = #array.table<[[0, 0, 2, 2]]>, places = #array.table<[[0, 0, 0]]>",
            "tiles = #array.table<[[2, 2, 1, 1]]>, places = #array.table<[[0, 1, 1]]>",
        )
    )
    assert first == [[1, 2, 0], [4, 9, 0], [0, 0, 0]]


@pytest.mark.parametrize("place", ["", "places = #array.table<[[0, 0, 0]]>, "])
def test_rows_that_no_group_activates_count_as_zero(place: str) -> None:
    (matrix,) = matrices(
        network_of(f"tiles = #array.table<[[0, 0, 3, 2]]>, {place}groups = #array.table<[[0, 1, 1, 4, 0, 9, 0]]>")
    )
    assert matrix == [[0, 0, 0], [4, 5, 0], [0, 0, 0]]


def test_columns_of_blocks_come_in_their_order() -> None:
    tiles = "tiles = #array.table<[[0, 0, 2, 2], [2, 2, 2, 2]]>, places = #array.table<[[0, 0, 0], [0, 2, 2]]>"
    (matrix,) = matrices(network_of(tiles, weight="@blocks", size="4"))
    assert matrix == [[0, 0, 2, 1], [0, 0, 4, 3], [6, 5, 0, 0], [8, 7, 0, 0]]
