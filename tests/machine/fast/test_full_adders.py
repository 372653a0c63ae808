"""Counting by logic, and the way back to numbers, against numpy; in vectors of both widths, and in each form."""

from typing import Any

import numpy as np
import pytest
from numba import njit, uint32

from cimc.machine.fast.bit_blocks import row_words, vector_words
from cimc.machine.fast.full_adders import (
    ENTRY,
    HAS_TERNARY,
    WIDEST,
    add_rows,
    portable_majority,
    portable_parity,
    ternary_majority,
    ternary_parity,
)
from cimc.machine.fast.lanes import LANES, NARROW, Words, load_like, narrow_splat, splat, store
from cimc.machine.fast.transposing import transpose

FORMS = [(portable_parity, portable_majority)] + [(ternary_parity, ternary_majority)] * HAS_TERNARY
WIDTHS = [(narrow_splat, NARROW), (splat, LANES)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("zero", "width"), WIDTHS)
def test_adders(form: tuple[Any, Any], zero: Any, width: int) -> None:
    parity, majority = form

    @njit
    def add(x: Words, out: Words) -> None:
        a, b, c = load_like(zero(0), x, 0), load_like(zero(0), x, width), load_like(zero(0), x, 2 * width)
        store(out, 0, parity(a, b, c))
        store(out, width, majority(a, b, c))

    x = np.random.default_rng(0).integers(0, 1 << 32, (3, width), dtype=np.uint32)
    out = np.zeros((2, width), np.uint32)
    add(x.reshape(-1), out.reshape(-1))
    a, b, c = x
    np.testing.assert_array_equal(out, [a ^ b ^ c, a & b | c & (a | b)])


@pytest.mark.parametrize("count", [0, 8, 24, 32, 72, 256])
@pytest.mark.parametrize(("zero", "width"), WIDTHS)
def test_rows_are_counted(zero: Any, width: int, count: int) -> None:
    """Onto a counter that is not empty, and from a level on that is not the lowest; columns of ones among them."""

    @njit
    def run(cells: Words, block: int, rows: Words, counter: Words) -> None:
        add_rows(zero(uint32(0)), cells, block, rows, 0, len(rows), counter, 1, 11)

    generator = np.random.default_rng(count)
    bits = generator.random((300, width, 32)) < generator.choice([0, 0.5, 1], (width, 32))
    cells = np.packbits(bits, axis=2, bitorder="little").view(np.uint32).reshape(300, width)
    chosen = generator.integers(0, 300, count)
    before = generator.integers(0, 1 << 10, (width, 32))
    levels = (before[None] >> np.arange(16)[:, None, None] & 1).astype(np.uint8)
    counter = np.packbits(levels, axis=2, bitorder="little").view(np.uint32).reshape(-1).copy()
    run(np.concatenate([cells[:1], cells]).reshape(-1), width, (chosen * ENTRY).astype(np.uint32), counter)
    found = np.unpackbits(counter.reshape(16, width).view(np.uint8), axis=1, bitorder="little").astype(np.int64)
    numbers = (found << np.arange(16)[:, None]).sum(axis=0).reshape(width, 32)
    np.testing.assert_array_equal(numbers, before + 2 * bits[chosen].sum(axis=0))


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize(("zero", "width"), WIDTHS)
def test_transpose(zero: Any, width: int, short: bool) -> None:
    @njit
    def run(numbers: Words) -> None:
        transpose(zero(uint32(0)), numbers, short)

    numbers = np.random.default_rng(1).integers(0, 1 << 32, (32, width), dtype=np.uint32)
    used = 16 if short else 32
    bits = numbers[:used, :, None] >> np.arange(32, dtype=np.uint32) & 1  # [bit of a number, lane, number]
    expected = (bits.astype(np.int64) << np.arange(used)[:, None, None]).sum(axis=0).T
    run(numbers.reshape(-1))
    np.testing.assert_array_equal(numbers, expected)


def test_vectors_of_a_row() -> None:
    """Narrow ones for what is left; slices of fewer bits take less room."""
    assert [vector_words(words) for words in (1, 8, 9, 40)] == [NARROW, NARROW, WIDEST, WIDEST]
    assert row_words(256, (2, 2, 2, 2)) == 64
    assert row_words(64, (2, 2, 2, 2)) == 16
    assert row_words(256, (2, 2, 2, 1, 1)) in (64, 72)
    assert row_words(64, (1, 1)) == 8
