"""What multiplications ask of the tiles of their weights, and what the parts of a chip's arrays take for it."""

import numpy as np

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.element_types import element_type, i8
from dialects.hardware import ChipAttr
from dialects.network import Network
from dialects.semantics.weight_values import stored_matrix
from passes.analysis.cost.arrays import INPUT_BITS
from passes.analysis.row_groups import whole_bounds
from passes.place_tiles.analysis.work import Prices, Work
from passes.rewriting.chip_times import array_times


def work_of(multiply: MultiplyOp, tiles: Table, network: Network, chip: ChipAttr) -> Work:
    """What a multiplication asks of these tiles of its weight; the cells of one are looked at, the largest."""
    cells = multiply.cells(chip)
    planes = chip.planes(element_type(multiply.x.type) == i8, multiply.bits_of_inputs)
    peak = 0.0
    if len(tiles):
        largest = tiles[int(np.prod(tiles[:, 2:], axis=1).argmax())]
        tile = np.ascontiguousarray(stored_matrix(network.weight(multiply.symbol), network).tile(*largest.tolist()))
        (bound,) = whole_bounds([tile], chip.cell_bits, cells, chip.dac_bits)
        peak = bound / len(tile)
    return Work(planes, cells.format.slices(chip.cell_bits), multiply.bits_of_inputs or INPUT_BITS, peak)


def prices_of(chip: ChipAttr) -> Prices | None:
    """What the parts of a chip's arrays take; None where it gives no times."""
    if not chip.has_array_times:
        return None
    return Prices(array_times(chip), chip.array_costs())
