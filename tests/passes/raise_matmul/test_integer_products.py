"""Integer products with a constant weight: which are raised, and which are left to the digital units.

That the raised ones keep every bit is checked in test_raise_matmul.py.
"""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp
from dialects.errors import UserError
from dialects.network import Network
from dialects.weights import WeightStore
from passes.raise_matmul.integer_products import RaiseMatMulInteger, RaiseQLinearMatMul
from passes.rewriting.patterns import rewrite

WEIGHTS = """
cim.weight @w = dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
cim.weight @u = dense<[[1, 2], [3, 4], [5, 200]]> : tensor<3x2xui8>
cim.weight @wide = dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi16>
"""
READS = """
%w = cim.read @w : tensor<3x2xi8>
%u = cim.read @u : tensor<3x2xui8>
%wide = cim.read @wide : tensor<3x2xi16>
%zero = cim.constant dense<0> : tensor<i8>
%zeros = cim.constant dense<[1, 2]> : tensor<2xi8>
%uzero = cim.constant dense<0> : tensor<ui8>
%u8 = cim.constant dense<8> : tensor<ui8>
%scale = cim.constant dense<0.5> : tensor<f32>
%double = cim.constant dense<0.5> : tensor<f64>
%none = cim.none : none
"""


def raised(node: str, x: str = "tensor<?x3xui8>") -> tuple[Network, bool]:
    """The network with what becomes of `node`, and whether anything does.

    Its inputs may be `%x`, `%v`, zero points `%z`, `%zu` and `%zs`, and constants.
    """
    context = make_context(WeightStore())
    y = node.rsplit("-> ", 1)[1]
    text = f"""{WEIGHTS}
    func.func @main(%x: {x}, %v: tensor<3x2xi8>, %z: tensor<i8>, %zu: tensor<ui8>, %zs: tensor<?x1xui8>) -> {y} {{
      {READS}
      %y = cim.digital {node} loc("/product")
      func.return %y : {y}
    }}"""
    network = Network.of(context, Parser(context, text).parse_module())
    return network, rewrite(network.body, RaiseMatMulInteger(network), RaiseQLinearMatMul(network))


def integer(b: str, zero_x: str = "none : none", zero_w: str = "none : none", x: str = "tensor<?x3xui8>") -> str:
    """The text of a `MatMulInteger`; each input is `name : type`."""
    inputs = [f"x : {x}", b, zero_x, zero_w]
    names, types = zip(*(text.split(" : ") for text in inputs))
    return f'"MatMulInteger"({", ".join("%" + n for n in names)}) : ({", ".join(types)}) -> tensor<?x2xi32>'


def qlinear(b: str = "w : tensor<3x2xi8>", scale: str = "scale : tensor<f32>", zero: str = "u8 : tensor<ui8>") -> str:
    """The text of a `QLinearMatMul`."""
    inputs = ["x : tensor<?x3xui8>", scale, zero, b, scale, "zero : tensor<i8>", scale, "u8 : tensor<ui8>"]
    names, types = zip(*(text.split(" : ") for text in inputs))
    return f'"QLinearMatMul"({", ".join("%" + n for n in names)}) : ({", ".join(types)}) -> tensor<?x2xui8>'


def operators(network: Network) -> list[str]:
    return [op.op_type.data for op in network.body if isinstance(op, DigitalOp)]


def symbols(network: Network) -> list[str]:
    return [op.symbol for op in network.body if isinstance(op, MatmulOp)]


@pytest.mark.parametrize(
    ("zero_x", "corrections"),
    [
        ("none : none", []),
        ("uzero : tensor<ui8>", []),
        ("u8 : tensor<ui8>", ["Cast", "Mul", "Sub"]),
        ("zu : tensor<ui8>", ["Cast", "Mul", "Sub"]),
    ],
)
def test_zero_points_of_inputs_are_corrected_where_they_may_not_be_zero(zero_x: str, corrections: list[str]) -> None:
    network, changed = raised(integer("w : tensor<3x2xi8>", zero_x))
    assert changed
    assert symbols(network) == ["w"]
    assert operators(network) == corrections


@pytest.mark.parametrize(
    ("b", "zero_w", "symbol"),
    [
        ("w : tensor<3x2xi8>", "zero : tensor<i8>", "w"),
        ("w : tensor<3x2xi8>", "zeros : tensor<2xi8>", "w.int8"),
        ("u : tensor<3x2xui8>", "none : none", "u.int8"),
        ("u : tensor<3x2xui8>", "u8 : tensor<ui8>", "u.int8"),
    ],
)
def test_weights_that_are_not_int8_as_they_are_become_new_ones(b: str, zero_w: str, symbol: str) -> None:
    network, changed = raised(integer(b, zero_w=zero_w))
    assert changed
    assert symbols(network) == [symbol]
    assert network.array(symbol).dtype == np.int8


LEFT_ALONE = {
    "a weight that is computed": integer("v : tensor<3x2xi8>"),
    "a weight of 16 bits": integer("wide : tensor<3x2xi16>"),
    "a zero point of the weight that is computed": integer("w : tensor<3x2xi8>", zero_w="z : tensor<i8>"),
    "a zero point for each vector": integer("w : tensor<3x2xi8>", "zs : tensor<?x1xui8>"),
    "a scale of the wrong type": qlinear(scale="double : tensor<f64>"),
    "a computed weight, requantised": qlinear("v : tensor<3x2xi8>"),
    "a zero point for each vector, requantised": qlinear(zero="zs : tensor<?x1xui8>"),
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_is_left_alone(name: str) -> None:
    network, changed = raised(LEFT_ALONE[name])
    assert not changed
    assert (len(operators(network)), symbols(network)) == (1, [])


def test_inputs_of_unknown_type_are_left_alone() -> None:
    x = 'tensor<?x3x!cim.element<"undefined">>'
    assert not raised(integer("w : tensor<3x2xi8>", x=x), x)[1]


def test_a_requantised_product_is_clipped_before_it_is_rounded() -> None:
    network, changed = raised(qlinear())
    assert changed
    assert symbols(network) == ["w"]
    assert [name for name in operators(network) if name in ("Max", "Min", "Round", "Add")] == [
        "Max",
        "Min",
        "Round",
        "Add",
    ]


@pytest.mark.parametrize("op_type", ["MatMulInteger", "QLinearMatMul"])
def test_vectors_of_another_length(op_type: str) -> None:
    x = "tensor<?x4xui8>"
    node = integer("w : tensor<3x2xi8>", x=x) if op_type == "MatMulInteger" else qlinear().replace("?x3x", "?x4x")
    with pytest.raises(UserError) as error:
        raised(node, x)
    assert str(error.value) == "node '/product' multiplies vectors of 4 by a weight of 3 rows"
