"""Inputs and outputs as a program names them: types, dimensions, and integers that make sense."""

import pytest
from xdsl.parser import Parser

from cimc.emitter.ports import network_inputs, network_outputs
from cimc.emitter.slots import Slots
from cimc.program.metadata import Input, Value
from cimc.universe import make_context
from dialects.network import Network
from dialects.weights import WeightStore


def network_of(kind: str, attributes: str = 'cim.name = "in"') -> Network:
    """A network whose output is its input."""
    text = f"""func.func @main(%x: {kind} {{{attributes}}}) -> ({kind} {{cim.name = "out"}}) {{
      func.return %x : {kind}
    }}"""
    return Network(Parser(make_context(), text).parse_module(), WeightStore())


@pytest.mark.parametrize(
    ("kind", "dtype", "shape"),
    [
        ("tensor<2x3xf32>", "float32", (2, 3)),
        ("tensor<?x3xui8>", "uint8", (None, 3)),
        ("tensor<*xi64>", "int64", None),
        ("tensor<i1>", "bool", ()),
        ('tensor<?x!cim.element<"string">>', "string", (None,)),
    ],
)
def test_types_and_shapes(kind: str, dtype: str, shape: tuple[int | None, ...] | None) -> None:
    network, slots = network_of(kind), Slots()
    assert network_inputs(network, slots) == [Input("in", dtype, shape, 0)]
    assert network_outputs(network, slots) == [Value("out", dtype, shape, 0)]


def test_names_of_dimensions_stand_where_no_number_does() -> None:
    network = network_of("tensor<?x?x3xf32>", 'cim.name = "in", cim.dims = ["batch", "", "width"]')
    (port,) = network_inputs(network, Slots())
    assert port.shape == ("batch", None, 3)


def test_integers_that_index_a_table_have_a_range() -> None:
    text = """
    cim.weight @t = dense<1.0> : tensor<5x2xf32>
    func.func @main(%i: tensor<?xi64> {cim.name = "ids"}) -> tensor<?x2xf32> {
      %t = cim.read @t : tensor<5x2xf32>
      %y = cim.digital "Gather"(%t, %i) : (tensor<5x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
      func.return %y : tensor<?x2xf32>
    }"""
    network = Network(Parser(make_context(), text).parse_module(), WeightStore())
    (port,) = network_inputs(network, Slots())
    assert (port.low, port.high) == (0, 5)
