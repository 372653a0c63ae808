"""Vector instructions: each against numpy, and products with VNNI against those without."""

from typing import Any

import numpy as np
import pytest
from numba import njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast import lanes
from cimc.machine.fast.lanes import (
    LANES,
    Words,
    count_bits,
    count_larger,
    dot,
    gather_bit,
    load,
    load_splat,
    minimum,
    ones,
    portable_dot,
    prefetch,
    splat,
    store,
    total,
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
def portable(sums: Words, left: Words, right: Words, out: Words) -> None:
    store(out, 0, portable_dot(load(sums, 0), load(left, 0), load(right, 0)))


@njit
def chosen(sums: Words, left: Words, right: Words, out: Words) -> None:
    store(out, 0, dot(load(sums, 0), load(left, 0), load(right, 0)))


@pytest.mark.parametrize("function", [portable, chosen])
@pytest.mark.parametrize("kind", ["random", "largest", "smallest"])
def test_products_of_bytes(function: Any, kind: str) -> None:
    """Without saturation, also where all products are as large as can be, and with sums that wrap around."""
    generator = np.random.default_rng(2)
    left = generator.integers(0, 256, (LANES, 4), dtype=np.uint8)
    right = generator.integers(-128, 128, (LANES, 4), dtype=np.int8)
    if kind != "random":
        left[:], right[:] = 255, 127 if kind == "largest" else -128
    sums = np.full(LANES, (1 << 31) - 1 if kind == "largest" else 1 << 31, np.uint32)
    out = np.zeros(LANES, np.uint32)
    function(sums, left.reshape(-1).view(np.uint32), right.reshape(-1).view(np.uint32), out)
    products = (left.astype(np.int64) * right).sum(axis=1)
    np.testing.assert_array_equal(out, (sums + products).astype(np.uint32))


@pytest.mark.parametrize("setting", ["CPU_NAME", "CPU_FEATURES"])
def test_other_processors_get_the_portable_products(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes.config, setting, "generic")
    assert not lanes.has_vnni()
