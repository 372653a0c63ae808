"""Products of bytes and of pairs: each form that this processor has against the others and against numpy."""

from typing import Any

import numpy as np
import pytest
from numba import njit

from cimc.machine.fast import byte_products
from cimc.machine.fast.byte_products import (
    HAS_PAIRS,
    HAS_VNNI,
    avx2_dot,
    avx2_pairs,
    even_bytes,
    has_features,
    odd_bytes,
    portable_dot,
    portable_pairs,
    vnni_dot,
)
from cimc.machine.fast.lanes import LANES, Words, load, splat, store

DOTS = [portable_dot] + [avx2_dot] * HAS_PAIRS + [vnni_dot] * HAS_VNNI
PAIRS = [portable_pairs] + [avx2_pairs] * HAS_PAIRS
KINDS = ("random", "largest", "smallest")


def bytes_of(kind: str, shape: tuple[int, int]) -> tuple[Any, Any]:
    """Unsigned and signed bytes; all as large as can be, or all as negative, if `kind` says so."""
    generator = np.random.default_rng(2)
    left = generator.integers(0, 256, shape, dtype=np.uint8)
    right = generator.integers(-128, 128, shape, dtype=np.int8)
    if kind != "random":
        left[:], right[:] = 255, 127 if kind == "largest" else -128
    return left, right


@pytest.mark.parametrize("dot", DOTS)
@pytest.mark.parametrize("kind", KINDS)
def test_products_of_bytes(dot: Any, kind: str) -> None:
    """Without saturation, also where all products are as large as can be, and with sums that wrap around."""

    @njit
    def form(sums: Words, left: Words, right: Words, out: Words) -> None:
        store(out, 0, dot(load(sums, 0), load(left, 0), load(right, 0)))

    left, right = bytes_of(kind, (LANES, 4))
    sums = np.full(LANES, (1 << 31) - 1 if kind == "largest" else 1 << 31, np.uint32)
    out = np.zeros(LANES, np.uint32)
    form(sums, left.reshape(-1).view(np.uint32), right.reshape(-1).view(np.uint32), out)
    products = (left.astype(np.int64) * right).sum(axis=1)
    np.testing.assert_array_equal(out, (sums + products).astype(np.uint32))


@pytest.mark.parametrize("pairs", PAIRS)
@pytest.mark.parametrize("kind", KINDS)
def test_products_of_pairs(pairs: Any, kind: str) -> None:
    @njit
    def form(left: Words, right: Words, out: Words) -> None:
        sums = pairs(splat(0), load(left, 0), even_bytes(load(right, 0)))
        store(out, 0, pairs(sums, load(left, LANES), odd_bytes(load(right, 0))))

    left, right = bytes_of(kind, (LANES, 4))
    wide = np.concatenate([left[:, ::2], left[:, 1::2]]).astype(np.uint16).reshape(-1).view(np.uint32)
    out = np.zeros(LANES, np.uint32)
    form(wide, right.reshape(-1).view(np.uint32), out)
    np.testing.assert_array_equal(out.view(np.int32), (left.astype(np.int64) * right).sum(axis=1))


@pytest.mark.parametrize("setting", ["CPU_NAME", "CPU_FEATURES"])
def test_other_processors_get_portable_code(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_products.config, setting, "generic")
    assert not has_features()
