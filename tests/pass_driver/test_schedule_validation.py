"""Schedules of a module are checked with the machine's own checker: a wrong one is a mistake of ours."""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.hardware.library import load_chip
from cimc.pass_driver.schedule_validation import ScheduleValidator
from cimc.universe import make_context
from dialects.array import MultiplyOp, TableAttr
from dialects.hardware import MODULE_KEY
from dialects.network import Network, operations
from passes.place_tiles.place_tiles import PlaceTilesPass
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass
from passes.tile_blocks import TileBlocksPass

TEXT = """
cim.weight @w = dense<1> : tensor<6x4xi8>
func.func @main(%x: tensor<?x6xui8> {cim.name = "x"}) -> (tensor<?x4xi32> {cim.name = "y"}) {
  %y = cim.matmul %x, @w : tensor<?x6xui8> -> tensor<?x4xi32> loc("/fc")
  func.return %y : tensor<?x4xi32>
}"""


def scheduled() -> Network:
    context = make_context()
    module = Parser(context, TEXT).parse_module()
    module.attributes[MODULE_KEY] = load_chip("tiny-4")
    for step in (TileBlocksPass(), PlaceTilesPass(), ScheduleArraysPass()):
        step.apply(context, module)
    return Network.of(context, module)


def test_a_schedule_that_can_be_kept() -> None:
    network = scheduled()
    ScheduleValidator(network.store)(ScheduleArraysPass(), network.module)


def test_a_schedule_that_cannot() -> None:
    """Row groups that run before their inputs are there."""
    network = scheduled()
    (multiply,) = (op for op in operations(network.block) if isinstance(op, MultiplyOp))
    assert multiply.groups is not None
    groups = np.array(multiply.groups.array)
    groups[:, -1] = 0
    multiply.groups = TableAttr.of(groups)
    with pytest.raises(AssertionError):
        ScheduleValidator(network.store)(ScheduleArraysPass(), network.module)


def test_other_passes_have_no_schedule_to_keep() -> None:
    context = make_context()
    module = Parser(context, TEXT).parse_module()
    for done in (None, TileBlocksPass(), PlaceTilesPass()):
        ScheduleValidator(Network.of(context, module).store)(done, module)
