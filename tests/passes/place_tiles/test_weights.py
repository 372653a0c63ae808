"""What mappings know of weights."""

import numpy as np
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.hardware import chip_of
from dialects.network import Network
from passes.analysis.objectives import ARRAYS, THROUGHPUT
from passes.place_tiles.weights import known_weights

TILED = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1,
    adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @first = dense<1> : tensor<2x2x2xi8> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
  cim.weight @second = dense<1> : tensor<2x2x2xi8> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
  cim.weight @dense = dense<2> : tensor<4x2xi8>
  func.func @main(%x: tensor<?x3x4xui8>) -> (tensor<?x3x4xi32>, tensor<?x3x2xi32>) {
    %a = array.multiply %x by @first {
      tile 0: rows 0 to 1, columns 0 to 1
      tile 1: rows 2 to 3, columns 2 to 3
    } : tensor<?x3x4xui8> -> tensor<?x3x4xi32>
    %d = array.multiply %x by @dense { tile 0: rows 0 to 3, columns 0 to 1 } : tensor<?x3x4xui8> -> tensor<?x3x2xi32>
    %q = cim.digital "Cast"(%a) with {to = 2 : i64} : (tensor<?x3x4xi32>) -> tensor<?x3x4xui8>
    %b = array.multiply %q by @second {
      tile 0: rows 0 to 1, columns 0 to 1
      tile 1: rows 2 to 3, columns 2 to 3
    } : tensor<?x3x4xui8> -> tensor<?x3x4xi32>
    func.return %b, %d : tensor<?x3x4xi32>, tensor<?x3x2xi32>
  }
}
"""


def network() -> Network:
    context = make_context()
    return Network.of(context, Parser(context, TILED).parse_module())


def test_weights_are_known_by_symbol_in_the_order_of_the_network() -> None:
    own = network()
    weights, formats = known_weights(own, chip_of(own.module), "linear", ARRAYS)
    assert list(weights) == list(formats) == ["first", "dense", "second"]
    assert [(w.dense, w.stage, w.second, len(w.tiles)) for w in weights.values()] == [
        (False, 0, False, 2),
        (True, 0, False, 1),
        (False, 1, True, 2),
    ]
    assert all(weight.classes is None and not weight.works for weight in weights.values())


def test_spread_knows_classes_of_tiles_and_what_is_asked() -> None:
    """Tiles this small may be equal by chance, so each is of a class of its own."""
    own = network()
    chip = chip_of(own.module)
    weights, _ = known_weights(own, chip, "spread", ARRAYS)
    first, dense, second = weights.values()
    assert first.source == dense.source != second.source
    assert first.classes is not None
    assert second.classes is not None
    assert len(np.unique(np.concatenate([first.classes, second.classes]))) == 4
    assert (first.works[0].planes, first.vectors) == (8, 1)
    run, _ = known_weights(own, chip, "spread", THROUGHPUT)
    assert (run["first"].works[0].planes, run["first"].vectors) == (3 * 8, 3)
