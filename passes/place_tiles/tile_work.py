"""What multiplications ask of the tiles of their weights, and what the parts of a chip's arrays take for it."""

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.hardware import ChipAttr
from dialects.network import Network
from dialects.semantics.weight_values import stored_matrix
from passes.analysis.row_groups import whole_bounds
from passes.place_tiles.analysis.spreading.work import Prices, Work, works_of_tiles
from passes.rewriting.chip_times import array_times


def works_of(multiply: MultiplyOp, tiles: Table, network: Network, chip: ChipAttr) -> tuple[tuple[Work, ...], Table]:
    """What a multiplication asks of these tiles of its weight, and which of that of each tile.

    The cells of all small tiles are looked at, but of large ones those of one, for they differ less.
    """
    cells = multiply.cells(chip)
    asked = Work(multiply.planes(chip), cells.format.slices(chip.cell_bits), multiply.bits_of_inputs, 0.0)
    stored = stored_matrix(network.weight(multiply.symbol), network)
    return works_of_tiles(
        asked, tiles, stored.tile, lambda own: whole_bounds(own, chip.cell_bits, cells, chip.dac_bits)
    )


def prices_of(chip: ChipAttr) -> Prices | None:
    """What the parts of a chip's arrays take; None where it gives no times."""
    if not chip.has_array_times:
        return None
    return Prices(array_times(chip), chip.array_costs())
