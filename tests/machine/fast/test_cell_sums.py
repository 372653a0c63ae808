"""How large sums of cells can become, and whether columns have one offset each: as numpy says."""

import numpy as np
import pytest

from cimc.machine.fast.encoding import OFFSET, slice_table, weight_codes
from cimc.machine.fast.image import look_at_cells
from cimc.machine.fast.pieces import groups_of
from cimc.machine.fast.words import LANES
from cimc.program.arrays.formats import Format
from cimc.program.metadata import ENCODINGS
from cimc.program.records import multiply_records

ARRAYS, ROWS, COLUMNS = 5, 10, 90


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("cell_bits", [1, 2, 8])
def test_sums_and_offsets(encoding: str, cell_bits: int) -> None:
    """Array 0 is full, array 1 has two tiles, array 3 none; array 2 is not looked at, array 4 is of another format."""
    generator = np.random.default_rng(cell_bits)
    cells = generator.integers(-128, 128, (ARRAYS, ROWS, COLUMNS)).astype(np.int8)
    formats, own = [Format(8, encoding), Format(5, "offset")], np.array([0, 0, 0, 0, 1])
    cells[4] >>= 3
    rectangles = [(0, 0, 0, 10, 90), (1, 0, 0, 10, 64), (1, 2, 64, 3, 20), (2, 1, 1, 4, 4), (4, 0, 0, 9, 90)]
    tiles = np.array([(0, *rectangle, 0, 0, 90 * i) for i, rectangle in enumerate(rectangles)])
    offsets, added = np.zeros(90 * len(rectangles), np.int16), np.zeros(cells.shape, np.int16)
    held = np.zeros(cells.shape, np.bool_)
    for i, (array, row, column, rows, columns) in enumerate(rectangles):
        if (format := formats[int(own[array])]).encoding == "offset":
            offsets[90 * i : 90 * i + columns] = format.midpoint
            offsets[90 * i] += array == 4
            cells[array, :, 0] = np.minimum(cells[array, :, 0], 14) if array == 4 else cells[array, :, 0]
        place = (array, slice(row, row + rows), slice(column, column + columns))
        added[place], held[place] = offsets[90 * i : 90 * i + columns], True
    cells[~held] = 0
    records = multiply_records(
        stage=0, x=0, y=1, array=[0, 1, 1, 3, 4], k=0, n=0, row=[1, 0, 2, 0, 2], column=[0, 3, 60, 5, 0],
        rows=[9, 10, 3, 4, 8], columns=[90, 70, 20, 30, 20], adc_bits=8, bound=0,
    )  # fmt: skip
    groups, table = groups_of(records, np.arange(5)), slice_table(formats, cell_bits)
    groups["format"] = own[groups["array"]]
    largest, columnwise = np.zeros(len(groups), np.int64), np.zeros(len(groups), np.bool_)
    cells.flags.writeable = False
    room = np.empty(LANES, np.uint32), np.empty((ROWS, COLUMNS), np.uint8)
    look_at_cells(cells, tiles, offsets, table.slices, table.formats, groups, largest, columnwise, *room)
    for i, group in enumerate(groups):
        array, row, rows, column, columns = (int(group[n]) for n in ("array", "row", "rows", "column", "columns"))
        place = (array, slice(row, row + rows), slice(column, column + columns))
        number = int(own[array])
        codes = weight_codes(cells[place], int(table.formats[number, 2]), added[place]).astype(int)
        sums = [(codes >> first & (1 << bits) - 1).sum(0).max() for first, bits, _ in table.of(number).tolist()]
        assert largest[i] == max(sums)
        assert columnwise[i] == (table.formats[number, 2] != OFFSET or (added[place] == added[place][0]).all())
    assert not columnwise[-1]
