"""How large sums of cells can become, and which cells are programmed: as numpy says."""

import numpy as np
import pytest

from cimc.machine.fast.encoding import cell_fields, excess, weight_codes
from cimc.machine.fast.image import digits, look_at_cells
from cimc.machine.fast.pieces import groups_of
from cimc.machine.fast.words import LANES
from cimc.program.records import multiply_records
from cimc.program.verifier import programmed_cells

ARRAYS, ROWS, COLUMNS = 5, 10, 90


@pytest.mark.parametrize("encoding", ["offset", "twos-complement", "differential"])
@pytest.mark.parametrize("cell_bits", [1, 2, 8])
def test_sums_and_marks(encoding: str, cell_bits: int) -> None:
    """Array 0 is full, array 1 has two tiles, array 3 none; array 2 is not looked at."""
    generator = np.random.default_rng(cell_bits)
    cells = generator.integers(-128, 128, (ARRAYS, ROWS, COLUMNS)).astype(np.int8)
    rectangles = [(0, 0, 0, 10, 90), (1, 0, 0, 10, 64), (1, 2, 64, 3, 20), (2, 1, 1, 4, 4), (4, 0, 0, 9, 90)]
    tiles = np.array([(0, *rectangle, 0, 0) for rectangle in rectangles])
    unmarked = [programmed_cells(tiles[tiles[:, 1] == array], ROWS, COLUMNS) == 0 for array in range(ARRAYS)]
    cells[np.array(unmarked)] = 0
    records = multiply_records(
        stage=0, x=0, y=1, array=[0, 1, 1, 3, 4], k=0, n=0, row=[1, 0, 2, 0, 2], column=[0, 3, 60, 5, 70],
        rows=[9, 10, 3, 4, 7], columns=[90, 70, 20, 30, 20], adc_bits=8, bound=0,
    )  # fmt: skip
    groups, slices = groups_of(records, np.arange(5)), digits(cell_fields(encoding, cell_bits))
    largest, whole = np.zeros(len(groups), np.int64), np.zeros(len(groups), np.bool_)
    cells.flags.writeable = False
    room = np.empty(LANES, np.uint32), np.empty((ROWS, COLUMNS), np.uint8)
    look_at_cells(cells, tiles, excess(encoding), encoding == "differential", slices, groups, largest, whole, *room)
    for i, group in enumerate(groups):
        array, row, rows, column, columns = (int(group[n]) for n in ("array", "row", "rows", "column", "columns"))
        place = (slice(row, row + rows), slice(column, column + columns))
        marks = ~unmarked[array][place]
        codes = weight_codes(encoding)[cells[array][place].view(np.uint8)].astype(int)
        codes = codes * marks if excess(encoding) else codes
        sums = [(codes >> first & (1 << bits) - 1).sum(0).max() for first, bits, _ in slices.tolist()]
        assert largest[i] == max(sums)
        assert whole[i] == (marks.all() or not excess(encoding))
