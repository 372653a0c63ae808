"""The tiles of weights as they were cut first, and which have equal cells."""

import numpy as np
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.hardware import chip_of
from dialects.network import Network
from passes.rewriting.multiplications import tiled_multiplies
from passes.rewriting.weight_tiles import equal_tiles, whole_tiles

MODULE = """builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2,
    dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x8xi8>
  func.func @main(%x: tensor<?x4xui8>) {
    %cut = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
      tile 1: rows 0 to 3, columns 4 to 5 in array 1 at row 0, column 0
      tile 2: rows 0 to 3, columns 6 to 7 in array 2 at row 0, column 0
    } : tensor<?x4xui8> -> tensor<?x8xi32>
    %other = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 1 in array 0 at row 0, column 0
    } : tensor<?x4xui8> -> tensor<?x8xi32>
    %early = array.multiply %x by @w { tile 0: rows 0 to 1, columns 0 to 7 } : tensor<?x4xui8> -> tensor<?x8xi32>
    func.return
  }
}"""
GRID = [[0, 0, 4, 4], [0, 4, 4, 4]]


def test_tiles_are_those_that_were_cut_when_they_got_places() -> None:
    ctx = make_context()
    network = Network.of(ctx, Parser(ctx, MODULE).parse_module())
    tables = [whole_tiles(op, network, chip_of(network.module)).tolist() for op in tiled_multiplies(network.ops)]
    assert tables == [GRID, [[0, 0, 4, 2]], [[0, 0, 2, 8]]]


def test_equal_tiles_have_one_number() -> None:
    ctx = make_context()
    network = Network.of(ctx, Parser(ctx, MODULE).parse_module())
    (classes,) = equal_tiles({"w": np.array([*GRID, [0, 0, 2, 2], [2, 2, 2, 2]])}, network)
    assert classes.tolist() == [0, 0, 1, 2]
