"""Legal places, and the node that has others."""

import pytest
from xdsl.parser import Parser

from cimc.pass_runner import check
from cimc.universe import make_context
from passes.place_tiles.legal_places import wrongly_placed

OVERLAPPING = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x2xi8>
  cim.weight @v = dense<1> : tensor<4x2xi8>
  func.func @main(%x: tensor<?x4xui8>) -> (tensor<?x2xi32>, tensor<?x2xi32>) {
    %a = array.multiply %x, @w tiles <[[0, 0, 4, 2]]> at <[[0, 0, 0]]> : tensor<?x4xui8> -> tensor<?x2xi32> loc("/one")
    %b = array.multiply %x, @v tiles <[[0, 0, 4, 2]]> at <[[0, 0, COLUMN]]> : tensor<?x4xui8> -> tensor<?x2xi32> loc("/two")
    func.return %a, %b : tensor<?x2xi32>, tensor<?x2xi32>
  }
}
"""  # noqa: E501


@pytest.mark.parametrize(
    ("column", "wrong"), [(2, None), (1, "/two: tiles overlap in array 0"), (3, "/two: a tile lies outside array 0")]
)
def test_legality(column: int, wrong: str | None):
    module = Parser(make_context(), OVERLAPPING.replace("COLUMN", str(column))).parse_module()
    assert wrongly_placed(module) == wrong
    if wrong is None:
        check(module, "place-tiles")
    else:
        with pytest.raises(AssertionError, match=r"no two on the same cells should hold, but not for node '/two: "):
            check(module, "place-tiles")


def test_places_are_optional():
    module = Parser(make_context(), OVERLAPPING.replace(" at <[[0, 0, COLUMN]]>", "")).parse_module()
    assert wrongly_placed(module) is None
