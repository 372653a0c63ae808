"""What multiplications ask of the tiles of their weights, and what the parts of a chip's arrays take for it."""

import numpy as np

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.element_types import element_type, i8
from dialects.hardware import ChipAttr
from dialects.network import Network
from dialects.semantics.weight_values import stored_matrix
from passes.analysis.batches import LARGE
from passes.analysis.cost.arrays import INPUT_BITS
from passes.analysis.row_groups import whole_bounds
from passes.place_tiles.analysis.work import Prices, Work
from passes.rewriting.chip_times import array_times


def works_of(multiply: MultiplyOp, tiles: Table, network: Network, chip: ChipAttr) -> tuple[tuple[Work, ...], Table]:
    """What a multiplication asks of these tiles of its weight, and which of that of each tile.

    The cells of all small tiles are looked at, but of large ones those of one, for they differ less.
    """
    cells = multiply.cells(chip)
    planes = chip.planes(element_type(multiply.x.type) == i8, multiply.bits_of_inputs)
    slices, input_bits = cells.format.slices(chip.cell_bits), multiply.bits_of_inputs or INPUT_BITS
    sizes = tiles[:, 2] * tiles[:, 3]
    small = np.flatnonzero(sizes < LARGE)
    chosen = small if len(small) == len(tiles) else np.append(small, sizes.argmax())
    stored = stored_matrix(network.weight(multiply.symbol), network)
    matrices = [np.ascontiguousarray(stored.tile(*tile)) for tile in tiles[chosen].tolist()]
    bounds = np.array(whole_bounds(matrices, chip.cell_bits, cells, chip.dac_bits), np.float64)
    peaks = np.full(len(tiles), bounds[-1:].sum() / max(1, len(matrices[-1]) if matrices else 1))
    peaks[chosen] = bounds / tiles[chosen, 2]
    known, which = np.unique(peaks, return_inverse=True)
    works = tuple(Work(planes, slices, input_bits, peak) for peak in known.tolist())
    return works, which.reshape(-1).astype(np.int64)


def prices_of(chip: ChipAttr) -> Prices | None:
    """What the parts of a chip's arrays take; None where it gives no times."""
    if not chip.has_array_times:
        return None
    return Prices(array_times(chip), chip.array_costs())
