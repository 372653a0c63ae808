"""Lists of driven rows: for every pair of bits the rows of both, of the lower one and of the higher one, in order."""

import numpy as np
import pytest

from cimc.machine.fast.full_adders import ENTRY
from cimc.machine.fast.row_lists import INPUT_BITS, LISTS, ROWS, list_room, list_rows

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize("rows", [1, 31, 32, 33, 100])
@pytest.mark.parametrize("signed", [False, True])
def test_lists_bits_and_sums(rows: int, signed: bool) -> None:
    """Of each vector; entries behind the last row are the row of zeros, which adds nothing."""
    vectors, stride, first = 3, rows + 5, 2
    words = -(-rows // ROWS)
    x = GENERATOR.integers(0, 256, first + vectors * stride + ROWS).astype(np.uint8)
    bits = np.zeros(vectors * words * INPUT_BITS, np.uint32)
    lists = np.zeros(vectors * list_room(words), np.uint32)
    starts, sums = np.zeros((vectors, LISTS + 1), np.int64), np.zeros(vectors, np.uint32)
    list_rows(x, first, stride, vectors, rows, signed, True, bits, lists, starts, sums)
    for t in range(vectors):
        inputs = x[first + t * stride : first + t * stride + rows]
        worth = inputs.view(np.int8) if signed else inputs
        assert int(sums.view(np.int32)[t]) == int(worth.astype(np.int64).sum())
        for bit in range(INPUT_BITS):
            held = bits.reshape(vectors, words, INPUT_BITS)[t, :, bit]
            assert [int(held[r // ROWS]) >> r % ROWS & 1 for r in range(rows)] == (inputs >> bit & 1).tolist()
        for pair in range(LISTS // 3):
            low, high = inputs >> 2 * pair & 1, inputs >> 2 * pair + 1 & 1
            for i, chosen in enumerate((low & high, low & ~high & 1, high & ~low & 1)):
                begin, end = starts[t, 3 * pair + i : 3 * pair + i + 2].tolist()
                listed = lists[begin:end] // ENTRY
                assert listed[listed < rows].tolist() == np.flatnonzero(chosen).tolist()
                assert set(listed[listed >= rows].tolist()) <= {rows}
                assert (end - begin) % 8 == 0
