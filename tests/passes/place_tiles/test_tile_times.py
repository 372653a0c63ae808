"""How long arrays work for tiles, by the numbers in them."""

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.hardware import chip_of
from dialects.network import Network
from passes.place_tiles.tile_times import tile_times
from passes.rewriting.chip_times import array_times
from passes.rewriting.multiplications import tiled_multiplies

TILED = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 3, adcs = 2, encoding = "offset", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0>} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  func.func @main(%x: tensor<?x5x4xui8>, %z: tensor<?x4xi8>) -> (tensor<?x5x6xi32>, tensor<?x6xi32>) {
    %a = array.multiply %x of 4 bits by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
    } : tensor<?x5x4xui8> -> tensor<?x5x6xi32>
    %b = array.multiply %z by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
    } : tensor<?x4xi8> -> tensor<?x6xi32>
    func.return %a, %b : tensor<?x5x6xi32>, tensor<?x6xi32>
  }
}
"""  # noqa: E501


def test_planes_and_row_groups_of_all_vectors() -> None:
    """129 is 2, 0, 0, 1 in cells: the four rows have a sum of 8, more than 3 bits, so there are groups of 3 and 1 rows.

    Five vectors of 4 planes and one of 8.
    """
    context = make_context()
    module = Parser(context, TILED).parse_module()
    assert isinstance(module, ModuleOp)
    network, chip = Network.of(context, module), chip_of(module)
    users = tiled_multiplies(network.ops)
    times, planes = array_times(chip), 5 * 4 + 8
    expected = [planes * 2 * times.settle_ps, planes * (times.adc_ps[2] + times.adc_ps[1])]
    assert tile_times(users, users[0].tiles.array, network, chip).tolist() == 2 * [expected]
    part = np.array([[0, 0, 1, 2]])
    assert tile_times(users[:1], part, network, chip).tolist() == [[20 * times.settle_ps, 20 * times.adc_ps[1]]]
