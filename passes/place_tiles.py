"""Every tile gets its place: array, first row, first column."""

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dialects.array import MultiplyOp, TableAttr
from dialects.errors import UserError
from dialects.hardware import ChipAttr, chip_of
from dialects.network import main_block, weight_named, weights_of
from passes.analysis.linear_mapping import place_linear

MAPPINGS = ("linear",)
PLANNED = ("spread", "densemap", "sparsemap")


@dataclass(frozen=True)
class PlaceTilesPass(ModulePass):
    """Give each tile a place by a mapping; a weight that several nodes use is placed once.

    Before: `array.multiply %q, @w tiles <[[0, 0, 4, 4], [0, 4, 4, 2]]>`.
    After: `array.multiply %q, @w tiles <...> at <[[0, 0, 0], [1, 0, 0]]>`.
    Needs tiles (`tile-blocks`); fails where the chip has too few arrays.
    """

    name = "place-tiles"
    mapping: str = "linear"
    """How tiles are placed: `linear`, every tile in an array of its own."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_mapping(self.mapping)
        multiplies = [o for o in main_block(op).ops if isinstance(o, MultiplyOp)]
        tiles = {m.weight.root_reference.data: m.tiles.array for m in multiplies}
        weights, chip = weights_of(op), chip_of(op)
        dense = [weight_named(weights, symbol).structure is None for symbol in tiles]
        places = dict(zip(tiles, place_linear(list(tiles.values()), dense, chip.rows, chip.columns)))
        used = 1 + max((int(p[:, 0].max()) for p in places.values()), default=-1)
        _check_arrays(used, chip, self.mapping)
        for multiply in multiplies:
            multiply.places = TableAttr.of(places[multiply.weight.root_reference.data])


def check_mapping(mapping: str) -> None:
    """UserError unless `mapping` is one that works."""
    if mapping in PLANNED:
        raise UserError(f"mapping {mapping} is not available yet: use one of {', '.join(MAPPINGS)}")
    if mapping not in MAPPINGS:
        raise UserError(f"mapping {mapping} is unknown: expected one of {', '.join(MAPPINGS)}")


def _check_arrays(used: int, chip: ChipAttr, mapping: str) -> None:
    if chip.arrays is not None and used > chip.arrays:
        raise UserError(
            f"mapping {mapping} needs {used} arrays of {chip.rows}x{chip.columns}, chip {chip.chip_name!r} has "
            f"{chip.arrays}: raise its `arrays`, or choose a chip with larger ones"
        )


def cells_placed(module: ModuleOp) -> int:
    """How many weights of the arrays are programmed, each weight of the network counted once."""
    tables = {
        o.weight.root_reference.data: o.tiles.array for o in main_block(module).walk() if isinstance(o, MultiplyOp)
    }
    return int(sum(np.prod(table[:, 2:], axis=1).sum() for table in tables.values()))
