"""How long arrays work for the tiles of a weight, by the row groups that its numbers need."""

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import Attribute

from dialects.array import MultiplyOp
from dialects.attributes.tables import Table
from dialects.hardware import ChipAttr
from dialects.network import Network
from passes.analysis.row_groups import tile_groups
from passes.rewriting.chip_times import array_times
from passes.rewriting.weight_tiles import fitting_tiles


def tile_times(users: Sequence[MultiplyOp], tiles: Table, network: Network, chip: ChipAttr) -> Table:
    """The times (`WeightTiles.times`) of these tiles of a weight, for all vectors that its `users` multiply in a run.

    A dimension that is open counts as 1. Where a single row is too much for the ADC, which `schedule-arrays` refuses,
    all rows of a tile count as one group.
    """
    times, cells = array_times(chip), users[0].cells(chip)
    matrices = fitting_tiles(users[0], network, chip, tiles)
    groups = tile_groups(matrices, chip.cell_bits, cells, chip.dac_bits, chip.adc_bits, 0)
    if groups is None:
        groups = tile_groups(matrices, chip.cell_bits, cells, chip.dac_bits, chip.adc_bits, chip.adc_bits)
        assert groups is not None
    planes = sum(_vectors(user.x.type) * user.planes(chip) for user in users)
    count = np.bincount(groups[:, 0], minlength=len(tiles)) * times.settle_ps
    converting = np.bincount(groups[:, 0], np.array(times.adc_ps)[groups[:, 3] - 1], len(tiles))
    return planes * np.column_stack([count, converting.astype(np.int64)])


def _vectors(type_: Attribute) -> int:
    """How many vectors a tensor of this type holds, as far as it says."""
    if not isinstance(type_, TensorType):
        return 1
    return prod(size for size in type_.get_shape()[:-1] if size not in (0, DYNAMIC_INDEX))
