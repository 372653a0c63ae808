"""The pass as a whole; what it makes of which module is in lit/passes/place_tiles*.mlir."""

import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.array import MultiplyOp
from dialects.errors import UserError
from dialects.notes import copies_gain
from passes.place_tiles.analysis.choices import MAPPING_NAMES
from passes.place_tiles.place_tiles import PlaceTilesPass
from passes.rules import LAID_OUT, LEGAL_PLACES, require

TILED = """
builtin.module attributes {hardware.chip = #hardware.chip<"tiny-4", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset">} {
  cim.weight @w = dense<1> : tensor<4x6xi8>
  func.func @main(%x: tensor<?x4xui8>) -> tensor<?x6xi32> {
    %a = array.multiply %x by @w {
      tile 0: rows 0 to 3, columns 0 to 3
      tile 1: rows 0 to 3, columns 4 to 5
    } : tensor<?x4xui8> -> tensor<?x6xi32> loc("/one")
    func.return %a : tensor<?x6xi32>
  }
}
"""  # noqa: E501


@pytest.mark.parametrize("mapping", MAPPING_NAMES)
def test_every_mapping_gives_legal_places(mapping: str):
    context = make_context()
    module = Parser(context, TILED).parse_module()
    PlaceTilesPass(mapping).apply(context, module)
    require(module, [LEGAL_PLACES], "")
    (multiply,) = [op for op in module.walk() if isinstance(op, MultiplyOp)]
    assert multiply.places is not None


@pytest.mark.parametrize(("mapping", "objective"), [("square", "arrays"), ("spread", "speed")])
def test_options_are_checked_before_there_is_a_pass(mapping: str, objective: str):
    with pytest.raises(UserError, match="is unknown: expected one of"):
        PlaceTilesPass(mapping, objective)


WITH_ADDITIONS = 'settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, digital_units = 1, add_ns = 2.0'


@pytest.mark.parametrize(
    ("times", "lossy", "heights"),
    [
        (WITH_ADDITIONS, 0, {2}),
        (WITH_ADDITIONS, 3, {4}),
        ('settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0', 0, {4}),
    ],
)
def test_row_groups_are_parts_for_latency(times: str, lossy: int, heights: set[int]) -> None:
    """ADCs of 3 bits read two rows of ones; not where all rows are converted at once, or a chip lacks a time."""
    text = TILED.replace('encoding = "offset"', f'encoding = "offset", {times}').replace("adc_bits = 8", "adc_bits = 3")
    context = make_context()
    module = Parser(context, text).parse_module()
    PlaceTilesPass(objective="latency", lossy=lossy).apply(context, module)
    (multiply,) = [op for op in module.walk() if isinstance(op, MultiplyOp)]
    assert set(multiply.tiles.array[:, 2].tolist()) == heights


TIMES = 'settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0'
COPIED = TILED.replace('encoding = "offset"', f'encoding = "offset", arrays = 9, {TIMES}')


def test_copies_are_made_anew() -> None:
    """A second run starts from one copy; another objective leaves one."""
    context = make_context()
    module = Parser(context, COPIED).parse_module()
    (multiply,) = [op for op in module.walk() if isinstance(op, MultiplyOp)]
    PlaceTilesPass(objective="throughput").apply(context, module)
    first = str(module)
    assert multiply.count_of_copies > 1
    assert copies_gain(module) is not None
    require(module, LAID_OUT, "")
    PlaceTilesPass(objective="throughput").apply(context, module)
    assert str(module) == first
    PlaceTilesPass().apply(context, module)
    assert (multiply.copies, copies_gain(module)) == (None, None)
    assert int(multiply.tiles.array[:, 2:].prod(axis=1).sum()) == 24
