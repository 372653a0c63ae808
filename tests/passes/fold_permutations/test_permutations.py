"""One permutation and its neighbour: the same numbers where it is folded, and where it is not."""

from collections.abc import Callable

import numpy as np
import pytest
from xdsl.parser import Parser
from xdsl.pattern_rewriter import RewritePattern

from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp, PermuteOp
from dialects.element_types import Array
from dialects.locations import is_lost, node_name
from dialects.network import Network
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.fold_permutations.permutations import FoldIntoProducer, FoldIntoUsers, HoistOperator
from passes.rewriting.patterns import rewrite
from passes.rewriting.sweep import sweep

X = np.array([[1, -2, 3, 5], [-7, 11, 13, -17]], np.float32)
V = "tensor<2x4xf32>"
WEIGHTS = """
cim.weight @p = dense<[2, 0, 3, 1]> : tensor<4xi64>
cim.weight @q = dense<[1, 0, 3, 2]> : tensor<4xi64>
cim.weight @fewer = dense<[2, 0, 3]> : tensor<3xi64>
cim.weight @twice = dense<[2, 0, 2, 1]> : tensor<4xi64>
cim.weight @swap = dense<[3, 2, 1, 0]> : tensor<4xi64>
cim.weight @dense = dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [1.0, 0.0, 1.0, 0.0], [2.0, 1.0, 2.0, 3.0]]>
  : tensor<4x4xf32>
cim.weight @short = dense<[[1.0, 2.0], [5.0, 6.0], [1.0, 0.0]]> : tensor<3x2xf32>
cim.weight @integers = dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8> as #cim.affine<@scale>
cim.weight @moved = dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<[0.5, 2.0]> : tensor<2xf32>
cim.weight @zero = dense<[1, 0]> : tensor<2xi32>
cim.weight @scaled = dense<[[1, 2, 3, 4], [5, 6, 7, 8], [0, 1, 0, 1], [9, 8, 7, 6]]> : tensor<4x4xi8>
  as #cim.affine<@scales, @zeros>
cim.weight @scales = dense<[0.5, 2.0, 4.0, 8.0]> : tensor<4xf32>
cim.weight @zeros = dense<[1, 0, 2, 3]> : tensor<4xi32>
cim.weight @blocks = dense<[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]> : tensor<2x2x2xf32>
  structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
cim.weight @ordered = dense<[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]> : tensor<2x2x2xf32>
  structure #cim.block_diagonal<2 blocks of 2x2, "monarch", columns = @p>
cim.weight @pieces = dense<1.0> : tensor<4x4xf32> structure #cim.blocks<"sparse", [rows 0 to 3, columns 0 to 3]>
"""


def network_of(body: str, result: str = V) -> Network:
    """The network of `body`, whose last value `%y` it returns."""
    context = make_context(WeightStore())
    text = f"""{WEIGHTS}
    func.func @main(%x: {V} {{cim.name = "x"}}) -> {result} {{
      %c = cim.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
      %one = cim.constant dense<[[2.0]]> : tensor<1x1xf32>
      %rows = cim.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : {V}
      {body}
      func.return %y : {result}
    }}"""
    return Network.of(context, Parser(context, text).parse_module())


def outputs(network: Network) -> Array:
    network.module.verify()
    return next(iter(run_graph(network_model(network), {"x": X}).values()))


def permute_in(network: Network) -> PermuteOp:
    """The first permutation."""
    return next(op for op in network.body if isinstance(op, PermuteOp))


Fold = Callable[[Network], RewritePattern]


def is_folded(fold: Fold, network: Network) -> bool:
    """Whether the first permutation goes, all numbers and names of nodes staying the same if so."""
    before = outputs(network)
    names = {node_name(op) for op in network.body if not is_lost(op)}
    if not rewrite([permute_in(network)], fold(network)):
        return False
    sweep(network)
    assert outputs(network).tolist() == before.tolist()
    assert {node_name(op) for op in network.body if not is_lost(op)} == names
    return True


def permutes(network: Network) -> int:
    return sum(isinstance(op, PermuteOp) for op in network.body)


PRODUCT = f'%a = cim.matmul %x, @{{}} : {V} -> {V} loc("/fc")\n'
RELU = f'%a = cim.digital "Relu"(%x) : ({V}) -> {V}\n'
PERMUTE = f"%y = cim.permute %a, @p : {V} -> {V}\n"


@pytest.mark.parametrize("weight", ["dense", "scaled", "blocks", "ordered"])
@pytest.mark.parametrize("table", ["p", "swap"])
def test_columns_of_the_product_before(weight: str, table: str) -> None:
    network = network_of(PRODUCT.format(weight) + PERMUTE.replace("@p", f"@{table}"))
    assert is_folded(FoldIntoProducer, network)
    assert permutes(network) == 0


@pytest.mark.parametrize(("weight", "columns"), [("dense", 3), ("blocks", 4)])
def test_columns_that_the_permutation_drops(weight: str, columns: int) -> None:
    """A dense weight loses them; those of blocks come last, and are cut off."""
    narrow = "tensor<2x3xf32>"
    network = network_of(PRODUCT.format(weight) + f"%y = cim.permute %a, @fewer : {V} -> {narrow}", narrow)
    assert is_folded(FoldIntoProducer, network)
    assert [network.weight(op.symbol).matrix_shape for op in network.body if isinstance(op, MatmulOp)] == [(4, columns)]


def test_columns_that_the_permutation_repeats() -> None:
    """A dense weight has them twice; blocks cannot."""
    twice = PERMUTE.replace("@p", "@twice")
    assert is_folded(FoldIntoProducer, network_of(PRODUCT.format("dense") + twice))
    assert not is_folded(FoldIntoProducer, network_of(PRODUCT.format("blocks") + twice))


def test_a_weight_whose_products_all_want_the_same_order_is_stored_once() -> None:
    network = network_of(
        PRODUCT.format("dense")
        + f"""%b = cim.permute %a, @p : {V} -> {V}
        %d = cim.matmul %b, @dense : {V} -> {V}
        %y = cim.permute %d, @p : {V} -> {V}"""
    )
    assert is_folded(FoldIntoProducer, network)
    network.module.verify()
    assert [op.symbol for op in network.body if isinstance(op, MatmulOp)] == ["dense.ordered", "dense"]
    assert is_folded(FoldIntoProducer, network)
    assert [op.symbol for op in network.body if isinstance(op, MatmulOp)] == ["dense.ordered", "dense.ordered"]


NOT_INTO_THE_PRODUCT = {
    "no product": RELU + PERMUTE,
    "a product that others read": f"{PRODUCT.format('dense')}%b = cim.permute %a, @p : {V} -> {V}\n"
    f'%y = cim.digital "Add"(%a, %b) : ({V}, {V}) -> {V}',
    "a weight that another product wants as it is": f"{PRODUCT.format('dense')}%b = cim.permute %a, @p : {V} -> {V}\n"
    f"%y = cim.matmul %b, @dense : {V} -> {V}",
    "a weight that another product wants in another order": f"{PRODUCT.format('dense')}"
    f"%b = cim.permute %a, @p : {V} -> {V}\n%d = cim.matmul %b, @dense : {V} -> {V}\n"
    f"%y = cim.permute %d, @swap : {V} -> {V}",
    "the permutation between two factors": f"{PRODUCT.format('blocks')}%b = cim.permute %a, @p : {V} -> {V}\n"
    f"%y = cim.matmul %b, @ordered : {V} -> {V}",
    "blocks of different shapes": PRODUCT.format("pieces") + PERMUTE,
}


@pytest.mark.parametrize("name", NOT_INTO_THE_PRODUCT)
def test_what_is_not_folded_into_the_product(name: str) -> None:
    network = network_of(NOT_INTO_THE_PRODUCT[name])
    text = str(network.module)
    assert not is_folded(FoldIntoProducer, network)
    assert str(network.module) == text


def test_between_a_dense_factor_and_blocks_the_dense_one_is_reordered() -> None:
    network = network_of(
        f"{PRODUCT.format('dense')}%b = cim.permute %a, @p : {V} -> {V}\n%y = cim.matmul %b, @blocks : {V} -> {V}"
    )
    assert is_folded(FoldIntoProducer, network)


HOISTED = {
    "a function": f'%a = cim.digital "Relu"(%x) : ({V}) -> {V} loc("/op")',
    "a bias": f'%a = cim.digital "Add"(%x, %c) : ({V}, tensor<4xf32>) -> {V} loc("/op")',
    "a factor on the left": f'%a = cim.digital "Mul"(%c, %x) : (tensor<4xf32>, {V}) -> {V} loc("/op")',
    "one number for all": f'%a = cim.digital "Div"(%x, %one) : ({V}, tensor<1x1xf32>) -> {V} loc("/op")',
    "a setting": f'%a = cim.digital "Elu"(%x) with {{alpha = 2.0 : f32}} : ({V}) -> {V} loc("/op")',
}


@pytest.mark.parametrize("name", HOISTED)
def test_operators_that_change_places_with_a_permutation(name: str) -> None:
    network = network_of(HOISTED[name] + "\n" + PERMUTE)
    assert is_folded(HoistOperator, network)
    moved = network.returned.arguments[0].owner
    assert isinstance(moved, DigitalOp)
    assert node_name(moved) == "/op"
    assert permute_in(network).result in moved.inputs


NOT_HOISTED = {
    "an operator that mixes elements": f'%a = cim.digital "Softmax"(%x) : ({V}) -> {V}\n',
    "the network's input": "",
    "an operator that others read": f'{RELU}%n = cim.digital "Neg"(%a) : ({V}) -> {V}\n',
    "two inputs that are computed": f'%a = cim.digital "Add"(%x, %x) : ({V}, {V}) -> {V}\n',
    "another constant for each row": f'%a = cim.digital "Add"(%x, %rows) : ({V}, {V}) -> {V}\n',
    "an input that broadcasts": '%s = cim.digital "ReduceSum"(%x) : (tensor<2x4xf32>) -> tensor<1x1xf32>\n'
    '%a = cim.digital "Add"(%s, %rows) : (tensor<1x1xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>\n',
    "another domain": f'%a = cim.digital "Relu" of "com.other"(%x) : ({V}) -> {V}\n',
}


@pytest.mark.parametrize("name", NOT_HOISTED)
def test_operators_that_do_not_change_places(name: str) -> None:
    network = network_of(NOT_HOISTED[name] + (PERMUTE if NOT_HOISTED[name] else PERMUTE.replace("%a", "%x")))
    text = str(network.module)
    assert not rewrite([permute_in(network)], HoistOperator(network))
    assert str(network.module) == text


def test_an_operator_of_unknown_shape_does_not_change_places() -> None:
    unranked = "tensor<*xf32>"
    network = network_of(
        f"""%a = cim.digital "Relu"(%x) : ({V}) -> {unranked}
        %y = cim.permute %a, @p : {unranked} -> {V}"""
    )
    text = str(network.module)
    assert not rewrite([permute_in(network)], HoistOperator(network))
    assert str(network.module) == text


def into_users(network: Network) -> bool:
    """Whether the first permutation goes into a multiplication, all numbers staying the same."""
    before = outputs(network)
    changed = rewrite([permute_in(network)], FoldIntoUsers(network))
    sweep(network)
    assert outputs(network).tolist() == before.tolist()
    return changed


@pytest.mark.parametrize(
    ("table", "permuted", "weight", "columns"),
    [
        ("p", 4, "dense", 4),
        ("p", 4, "scaled", 4),
        ("fewer", 3, "short", 2),
        ("fewer", 3, "integers", 2),
        ("q", 4, "blocks", 4),
        ("swap", 4, "blocks", 4),
        ("swap", 4, "ordered", 4),
    ],
)
def test_rows_of_the_product_after(table: str, permuted: int, weight: str, columns: int) -> None:
    """Rows that the permutation drops are zeros; blocks change places, and rows inside of blocks."""
    vectors, result = f"tensor<2x{permuted}xf32>", f"tensor<2x{columns}xf32>"
    network = network_of(
        f"%a = cim.permute %x, @{table} : {V} -> {vectors}\n%y = cim.matmul %a, @{weight} : {vectors} -> {result}",
        result,
    )
    assert into_users(network)
    assert permutes(network) == 0


NOT_INTO_USERS = {
    "no multiplication": f'%a = cim.permute %x, @p : {V} -> {V}\n%y = cim.digital "Relu"(%a) : ({V}) -> {V}',
    "an element that is read twice": f"%a = cim.permute %x, @twice : {V} -> {V}\n"
    f"%y = cim.matmul %a, @dense : {V} -> {V}",
    "rows that would change their block": f"%a = cim.permute %x, @p : {V} -> {V}\n"
    f"%y = cim.matmul %a, @blocks : {V} -> {V}",
    "blocks of different shapes": f"%a = cim.permute %x, @p : {V} -> {V}\n%y = cim.matmul %a, @pieces : {V} -> {V}",
    "a weight that is multiplied by others too": f"%a = cim.permute %x, @p : {V} -> {V}\n"
    f"%b = cim.matmul %a, @dense : {V} -> {V}\n%y = cim.matmul %b, @dense : {V} -> {V}",
}


@pytest.mark.parametrize("name", NOT_INTO_USERS)
def test_what_is_not_folded_into_users(name: str) -> None:
    network = network_of(NOT_INTO_USERS[name])
    assert not into_users(network)
    assert permutes(network) == 1


def test_rows_of_zeros_do_not_mean_zero_where_there_is_a_zero_point() -> None:
    """A dropped row would count as minus its zero point."""
    vectors, result = "tensor<2x3xf32>", "tensor<2x2xf32>"
    network = network_of(
        f"%a = cim.permute %x, @fewer : {V} -> {vectors}\n%y = cim.matmul %a, @moved : {vectors} -> {result}", result
    )
    assert not into_users(network)


def test_a_permutation_stays_for_those_who_cannot_take_it() -> None:
    network = network_of(
        f"""%a = cim.permute %x, @p : {V} -> {V}
        %b = cim.matmul %a, @dense : {V} -> {V}
        %y = cim.digital "Add"(%a, %b) : ({V}, {V}) -> {V}"""
    )
    assert into_users(network)
    assert permutes(network) == 1
    (matmul,) = (op for op in network.body if isinstance(op, MatmulOp))
    assert matmul.x is network.block.args[0]
