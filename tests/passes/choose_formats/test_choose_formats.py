"""Formats of whole networks; single ones are in lit/passes/choose_formats.mlir."""

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.chip.formats import CellFormat, Format
from dialects.network import Network
from passes.choose_formats.choose_formats import ChooseFormatsPass
from passes.rewriting.multiplications import tiled_multiplies
from passes.tile_blocks import TileBlocksPass

HEAVY = np.where(np.random.default_rng(0).random((32, 8)) < 0.02, 120, 0)
"""Few large numbers of one sign among zeros: differential cells are nearly empty."""


def formats(encoding: str, weight: np.ndarray, objective: str = "arrays", arrays: int | None = None) -> CellFormat:
    limit = "" if arrays is None else f", arrays = {arrays}"
    rows, columns = weight.shape
    text = f"""builtin.module attributes {{hardware.chip = #hardware.chip<"c", rows = 32, columns = 8, cell_bits = 2,
        dac_bits = 1, adc_bits = 5, adcs = 1, encoding = "{encoding}"{limit}, settle_ns = 10.0, adc_kind = "sar",
        adc_step_ns = 1.0>}} {{
      cim.weight @w = dense<{weight.tolist()}> : tensor<{rows}x{columns}xi8>
      func.func @main(%x: tensor<?x{rows}xui8>) -> tensor<?x{columns}xi32> {{
        %y = cim.matmul %x, @w : tensor<?x{rows}xui8> -> tensor<?x{columns}xi32>
        func.return %y : tensor<?x{columns}xi32>
      }}
    }}"""
    ctx = make_context()
    module = Parser(ctx, text).parse_module()
    assert isinstance(module, ModuleOp)
    TileBlocksPass().apply(ctx, module)
    ChooseFormatsPass(objective).apply(ctx, module)
    (multiply,) = tiled_multiplies(Network.of(ctx, module).ops)
    assert multiply.format is not None
    return multiply.format.data


@pytest.mark.parametrize(
    ("encoding", "objective", "arrays", "expected"),
    [
        ("offset", "latency", None, CellFormat(Format(8, "offset"))),
        ("differential", "arrays", None, CellFormat(Format(8, "differential"))),
        ("auto", "arrays", None, CellFormat(Format(8, "offset"), True)),
        ("auto", "latency", None, CellFormat(Format(8, "differential"))),
        ("auto", "throughput", 2, CellFormat(Format(8, "twos-complement"))),
        ("auto", "throughput", 1, CellFormat(Format(8, "offset"), True)),
    ],
)
def test_objectives(encoding: str, objective: str, arrays: int | None, expected: CellFormat) -> None:
    """Of both signs: differential cells take the least time; two's complement takes less time times crossbars."""
    weight = HEAVY - HEAVY[::-1, ::-1]
    assert formats(encoding, weight, objective, arrays) == expected
