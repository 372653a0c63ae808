"""The tiles of a network's weights: as they were cut first, and which of them have equal cells."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from dialects.array import MultiplyOp
from dialects.attributes.structure import REPEATED
from dialects.attributes.tables import Table
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from dialects.locations import node_name
from dialects.network import Network
from dialects.semantics.weight_values import stored_matrix
from passes.analysis.equal_tiles import TileOf, classes_of, worth_sharing
from passes.analysis.offsets import misfit
from passes.analysis.tiling import are_cut_from
from passes.rewriting.multiplications import tiles_of


def whole_tiles(op: MultiplyOp, network: Network, chip: ChipAttr) -> Table:
    """The tiles of a multiplication, of one copy of its weight; where it has places, those that were cut before it got
    them."""
    tiles = op.tiles.array[op.copy_of_tiles == 0]
    if op.places is None:
        return tiles
    whole = tiles_of(network.weight(op.symbol), network, chip)
    return whole if are_cut_from(tiles, whole) else tiles


def equal_tiles(tiles: Mapping[str, Table], network: Network) -> list[Table]:
    """For each tile of each weight, by symbol, a number that those share whose cells are equal."""
    symbols, tables = list(tiles), [table.tolist() for table in tiles.values()]

    def cells(number: int) -> TileOf:
        stored = stored_matrix(network.weight(symbols[number]), network)
        return lambda tile: stored.tile(*tables[number][tile])

    looked_at = [
        np.full(len(table), True) if network.weight(symbol).kind == REPEATED else worth_sharing(table)
        for symbol, table in tiles.items()
    ]
    return classes_of([len(table) for table in tables], cells, looked_at)


def fitting_tiles(
    op: MultiplyOp, network: Network, chip: ChipAttr, chosen: Table | None = None
) -> list[npt.NDArray[np.int8]]:
    """The numbers [rows, columns] of each tile of a multiplication, or of those that are `chosen` for its weight.

    UserError if they do not fit its format.
    """
    stored = stored_matrix(network.weight(op.symbol), network)
    tiles = [
        np.ascontiguousarray(stored.tile(*tile)) for tile in (op.tiles.array if chosen is None else chosen).tolist()
    ]
    cells = op.cells(chip)
    wrong = misfit(tiles, cells)
    if wrong is not None:
        raise UserError(
            f"node {node_name(op)!r}: weight @{op.symbol} does not fit {cells.format.text}: it {wrong}: "
            "run choose-formats and place-tiles on IR from before them"
        )
    return tiles
