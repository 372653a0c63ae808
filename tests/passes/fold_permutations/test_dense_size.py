"""Weights that a network would have without structure: a Monarch product counts as one matrix."""

from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network
from dialects.weights import WeightStore
from passes.fold_permutations.dense_size import dense_size

BLOCKS = 'tensor<2x3x2xf32> structure #cim.block_diagonal<2 blocks of 3x2, "monarch">'
OTHERS = 'tensor<2x2x4xf32> structure #cim.block_diagonal<2 blocks of 2x4, "monarch">'


def size_of(first: str, body: str, y: str = "tensor<?x8xf32>") -> int:
    text = f"""
    cim.weight @p = dense<[0, 2, 1, 3]> : tensor<4xi64>
    cim.weight @first = dense<1.0> : {first}
    cim.weight @second = dense<1.0> : {OTHERS}
    func.func @main(%x: tensor<?x6xf32>) -> {y} {{
      %a = cim.matmul %x, @first : tensor<?x6xf32> -> tensor<?x4xf32>
      {body}
      func.return %y : {y}
    }}"""
    return dense_size(Network(Parser(make_context(), text).parse_module(), WeightStore()))


PERMUTE = "%b = cim.permute %a, @p : tensor<?x4xf32> -> tensor<?x4xf32>"
SECOND = "%y = cim.matmul %b, @second : tensor<?x4xf32> -> tensor<?x8xf32>"


def test_a_pair_of_factors_is_one_matrix() -> None:
    assert size_of(BLOCKS, PERMUTE + "\n" + SECOND) == 6 * 8


def test_a_dense_matrix_before_a_permutation_is_no_factor() -> None:
    assert size_of("tensor<6x4xf32>", PERMUTE + "\n" + SECOND) == 6 * 4 + 4 * 8


def test_without_a_permutation_there_are_two_matrices() -> None:
    assert size_of(BLOCKS, SECOND.replace("%b", "%a")) == 6 * 4 + 4 * 8


def test_a_weight_of_several_multiplications_counts_once() -> None:
    again = "%y = cim.matmul %x, @first : tensor<?x6xf32> -> tensor<?x4xf32>"
    assert size_of(BLOCKS, again, "tensor<?x4xf32>") == 6 * 4


def test_gathered_inputs_count_once() -> None:
    """An unrolled convolution is as large as its matrix, and two of them are no pair of factors."""
    text = """
    cim.weight @p = dense<[0, 1, 1, 2]> : tensor<4xi64>
    cim.weight @w = dense<1.0> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "repeated">
    func.func @main(%x: tensor<?x3xf32>) -> tensor<?x4xf32> {
      %a = cim.permute %x, @p : tensor<?x3xf32> -> tensor<?x4xf32>
      %b = cim.matmul %a, @w : tensor<?x4xf32> -> tensor<?x4xf32>
      %c = cim.permute %b, @p : tensor<?x4xf32> -> tensor<?x4xf32>
      %y = cim.matmul %c, @v : tensor<?x4xf32> -> tensor<?x4xf32>
      func.return %y : tensor<?x4xf32>
    }
    cim.weight @v = dense<2.0> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "repeated">
    """
    assert dense_size(Network(Parser(make_context(), text).parse_module(), WeightStore())) == 3 * 4 + 4 * 4


def test_groups_of_rows_have_the_same_outputs() -> None:
    text = """
    cim.weight @w = dense<1> : tensor<3x2x4xi8> structure #cim.block_diagonal<3 blocks of 2x4, "row_groups">
    func.func @main(%x: tensor<?x6xui8>) -> tensor<?x12xi32> {
      %y = cim.matmul %x, @w : tensor<?x6xui8> -> tensor<?x12xi32>
      func.return %y : tensor<?x12xi32>
    }"""
    assert dense_size(Network(Parser(make_context(), text).parse_module(), WeightStore())) == 6 * 4
