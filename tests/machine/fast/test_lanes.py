"""Vector instructions: each against numpy."""

import numpy as np
from numba import njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.lanes import (
    LANES,
    NARROW,
    Words,
    any_set,
    count_bits,
    count_larger,
    gather_bit,
    load,
    load_like,
    load_splat,
    minimum,
    narrow_splat,
    ones,
    ones_in,
    prefetch,
    splat,
    splat_like,
    store,
    total,
    width,
)

WORDS = np.random.default_rng(0).integers(0, 1 << 32, 3 * LANES, dtype=np.uint32)
A, B, C = WORDS.reshape(3, LANES)


@njit
def arithmetic(x: Words, out: Words) -> None:
    a, b = load(x, 0), load(x, LANES)
    store(out, 0, a + b)
    store(out, LANES, a - b)
    store(out, 2 * LANES, a * b)
    store(out, 3 * LANES, a & b)
    store(out, 4 * LANES, a << splat(uint32(5)))
    store(out, 5 * LANES, a >> splat(uint32(5)))
    store(out, 6 * LANES, minimum(a, b))
    store(out, 7 * LANES, count_bits(a))
    store(out, 8 * LANES, count_larger(load(x, 2 * LANES), a, b))
    store(out, 9 * LANES, splat(-1 - (1 << 40)))
    a += b
    a -= load(x, 2 * LANES)
    store(out, 10 * LANES, a)


def test_arithmetic_is_modulo_two_to_the_32() -> None:
    out = np.zeros((11, LANES), np.uint32)
    arithmetic(WORDS, out.reshape(-1))
    expected = [
        A + B,
        A - B,
        A * B,
        A & B,
        A << np.uint32(5),
        A >> np.uint32(5),
        np.minimum(A, B),
        np.bitwise_count(A),
        C + (A > B),
        np.full(LANES, 0xFFFFFFFF, np.uint32),
        A + B - C,
    ]
    np.testing.assert_array_equal(out, np.stack(expected))


@njit
def scalars(x: Words, data: NDArray[np.uint8], out: Words) -> None:
    prefetch(x, 1 << 40)
    out[0] = total(load(x, 0))
    out[1] = ones(x[0])
    for bit in range(8):
        out[2 + bit] = gather_bit(data, 3, 1 << bit)
    store(out, 10, load_splat(data, 5))


def test_sums_and_bits() -> None:
    data = np.random.default_rng(1).integers(0, 256, 40, dtype=np.uint8)
    out = np.zeros(10 + LANES, np.uint32)
    scalars(WORDS, data, out)
    assert out[0] == int(A.sum()) % (1 << 32)
    assert out[1] == int(A[0]).bit_count()
    bits = data[3:35, None] >> np.arange(8) & 1
    np.testing.assert_array_equal(out[2:10], (bits.astype(np.int64) << np.arange(32)[:, None]).sum(axis=0))
    assert set(out[10:].tolist()) == {int.from_bytes(data[5:9].tobytes(), "little")}


@njit
def narrow_and_logic(x: Words, out: Words) -> None:
    a, b = load_like(narrow_splat(0), x, 0), load_like(narrow_splat(0), x, LANES)
    store(out, 0, a | b)
    store(out, NARROW, a ^ b)
    store(out, 2 * NARROW, splat_like(a, 7))
    out[3 * NARROW] = width(a) + 100 * width(load(x, 0))
    out[3 * NARROW + 1] = ones_in(a)
    out[3 * NARROW + 2] = ones_in(load(x, 0))
    out[3 * NARROW + 3] = any_set(a) + 2 * any_set(a ^ a)


def test_narrow_vectors_and_logic() -> None:
    out = np.zeros(4 * NARROW, np.uint32)
    narrow_and_logic(WORDS, out)
    a, b = A[:NARROW], B[:NARROW]
    np.testing.assert_array_equal(out[: 3 * NARROW], np.concatenate([a | b, a ^ b, np.full(NARROW, 7)]))
    assert out[3 * NARROW :][:4].tolist() == [1608, np.bitwise_count(a).sum(), np.bitwise_count(A).sum(), 1]
