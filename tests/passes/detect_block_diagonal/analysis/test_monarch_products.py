"""Monarch products: hidden ones are found, with the cheapest blocking that is exact, and no others."""

from math import gcd
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.detect_block_diagonal.analysis.monarch_products import MonarchProduct, find_monarch_product, monarch_matrix

Array = npt.NDArray[Any]
SIDES = st.tuples(st.integers(2, 8), st.integers(2, 12))
LARGE_SIDES = st.tuples(st.integers(3, 8), st.integers(4, 12))
SEEDS = st.integers(0, 2**32 - 1)


def random_product(left: tuple[int, int], inner: int, right: tuple[int, int], seed: int) -> MonarchProduct:
    """Normally distributed float32 factors for (k, p), q, (l, s)."""
    rng = np.random.default_rng(seed)
    (k, p), (outs, s) = left, right
    w1 = rng.standard_normal((k, p, inner), np.float32)
    return MonarchProduct(w1, rng.standard_normal((outs, k * inner // outs, s), np.float32))


def check_exact(found: MonarchProduct | None, matrix: Array, at_most: int) -> None:
    assert found is not None
    assert found.stored <= at_most < matrix.size
    assert found.w1.dtype == found.w2.dtype == matrix.dtype
    inputs, outputs = matrix.shape
    again = found.matrix()
    assert again.shape[0] >= inputs
    assert again.shape[1] >= outputs
    np.testing.assert_allclose(again[:inputs, :outputs], matrix, rtol=0, atol=1e-5 * float(np.abs(matrix).max()))


def as_defined(w1: Array, w2: Array) -> Array:
    """The matrix, index by index."""
    (k, p, q), (outs, _, s) = w1.shape, w2.shape
    matrix = np.zeros((k * p, s * outs))
    for i, u, b, v in np.ndindex(k, p, outs, s):
        for c in range(q):
            if (i * q + c) % outs == b:
                matrix[i * p + u, v * outs + b] += w1[i, u, c] * w2[b, (i * q + c) // outs, v]
    return matrix


def as_the_layer(x: Array, w1: Array, w2: Array) -> Array:
    """What the exported layer does with x [n, k*p]."""
    (k, p, _), (outs, r, s) = w1.shape, w2.shape
    middle = np.matmul(x.reshape(-1, k, p).transpose(1, 0, 2), w1).transpose(1, 0, 2)
    last = np.matmul(middle.reshape(-1, r, outs).transpose(2, 0, 1), w2)
    return last.transpose(1, 2, 0).reshape(-1, s * outs)


@pytest.mark.parametrize("sizes", [(4, 3, 4, 4, 5), (2, 3, 3, 6, 2), (3, 2, 8, 4, 3), (4, 5, 7, 2, 3), (6, 4, 1, 2, 4)])
def test_the_matrix_of_factors(sizes: tuple[int, int, int, int, int]) -> None:
    """Also where l does not divide q, and where q is less than l."""
    k, p, q, outs, s = sizes
    product = random_product((k, p), q, (outs, s), 0)
    matrix = monarch_matrix(product.w1, product.w2)
    np.testing.assert_allclose(matrix, as_defined(product.w1, product.w2), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        as_the_layer(np.eye(k * p, dtype=np.float32), product.w1, product.w2), matrix, rtol=1e-5, atol=1e-5
    )


def test_factors_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"expected k\*q = l\*r, found 8, 9"):
        monarch_matrix(np.zeros((2, 3, 4)), np.zeros((3, 3, 5)))


@settings(deadline=None)
@given(SIDES, st.integers(1, 3), SIDES, SEEDS)
def test_hidden_products_are_found(left: tuple[int, int], rank: int, right: tuple[int, int], seed: int) -> None:
    """Square and rectangular, all ranks, as many blocks on both sides or not; another exact blocking may be cheaper."""
    hidden = random_product(left, rank * right[0], right, seed)
    matrix = hidden.matrix()
    if hidden.stored < matrix.size:
        check_exact(find_monarch_product(matrix), matrix, hidden.stored)


@settings(deadline=None)
@given(SIDES, st.integers(1, 20), SIDES, SEEDS)
def test_inner_sizes_that_are_not_a_multiple(
    left: tuple[int, int], steps: int, right: tuple[int, int], seed: int
) -> None:
    """Only l has to divide k*q. If q is less than l, slices are zero, and it is no matter for Monarch products."""
    inner = right[0] // gcd(left[0], right[0]) * steps
    if inner < right[0]:
        return
    hidden = random_product(left, inner, right, seed)
    matrix = hidden.matrix()
    if hidden.stored < matrix.size:
        check_exact(find_monarch_product(matrix), matrix, hidden.stored)


@settings(deadline=None)
@given(st.sampled_from([2, 4, 8]), st.integers(8, 12), st.integers(8, 12), st.integers(0, 3), st.integers(0, 3), SEEDS)
def test_hidden_products_with_padding(blocks: int, p: int, s: int, less_in: int, less_out: int, seed: int) -> None:
    hidden = random_product((blocks, p), blocks, (blocks, s), seed)
    less_in, less_out = min(less_in, blocks - 1), min(less_out, blocks - 1)
    matrix = hidden.matrix()[: blocks * p - less_in, : blocks * s - less_out]
    if hidden.stored < matrix.size:
        check_exact(find_monarch_product(matrix), matrix, hidden.stored)


@settings(deadline=None)
@given(LARGE_SIDES, st.integers(1, 2), LARGE_SIDES, SEEDS, st.floats(1e-4, 1))
def test_noise_is_not_exact(left: tuple[int, int], rank: int, right: tuple[int, int], seed: int, noise: float) -> None:
    """Nothing is found in noise, so what is found in a noisy product would be wrong."""
    hidden = random_product(left, rank * right[0], right, seed).matrix()
    size = noise * float(np.sqrt(np.mean(np.square(hidden))))
    noisy = hidden + np.random.default_rng(seed + 1).standard_normal(hidden.shape, np.float32) * np.float32(size)
    assert find_monarch_product(noisy) is None


def test_as_exported() -> None:
    """256x256 of 4 blocks, rank 16: half the weights."""
    hidden = random_product((4, 64), 64, (4, 64), 0)
    for matrix in (hidden.matrix(), as_the_layer(np.eye(256, dtype=np.float32), hidden.w1, hidden.w2)):
        found = find_monarch_product(matrix)
        check_exact(found, matrix, 32768)
        assert found is not None
        assert (found.w1.shape, found.w2.shape) == ((4, 64, 64), (4, 64, 64))


def test_as_exported_with_padding() -> None:
    """250 inputs, filled up to 252: q = 63, so the ranks are 15 and 16."""
    matrix = random_product((4, 63), 63, (4, 64), 0).matrix()[:250]
    found = find_monarch_product(matrix)
    check_exact(found, matrix, 4 * 63 * 63 + 4 * 63 * 64)
    assert found is not None
    assert (found.w1.shape, found.w2.shape) == ((4, 63, 63), (4, 63, 64))


@pytest.mark.parametrize(
    ("sizes", "shapes"),
    [
        ((24, 16, 16, 16, 24), ((24, 16, 16), (16, 24, 24))),
        ((32, 32, 32, 32, 32), ((32, 32, 32), (32, 32, 32))),
        ((3, 40, 14, 7, 30), ((3, 40, 14), (7, 6, 30))),
        ((2, 128, 50, 2, 160), ((2, 128, 50), (2, 50, 160))),
    ],
)
def test_the_cheapest_blocking(sizes: tuple[int, ...], shapes: tuple[tuple[int, ...], ...]) -> None:
    """Blockings that contain the hidden one are exact too, but take more."""
    k, p, q, outs, s = sizes
    matrix = random_product((k, p), q, (outs, s), 0).matrix()
    found = find_monarch_product(matrix)
    assert found is not None
    assert (found.w1.shape, found.w2.shape) == shapes


def test_double_precision() -> None:
    rng = np.random.default_rng(0)
    matrix = monarch_matrix(rng.standard_normal((4, 8, 4)), rng.standard_normal((4, 4, 8)))
    found = find_monarch_product(matrix)
    check_exact(found, matrix, 256)
    assert found is not None
    np.testing.assert_allclose(found.matrix(), matrix, rtol=0, atol=1e-12)


def test_rows_and_columns_of_all_magnitudes() -> None:
    """What a large row or column hides is not lost: every element keeps its digits."""
    rng = np.random.default_rng(0)
    matrix = random_product((4, 8), 4, (4, 8), 0).matrix().astype(np.float64)
    matrix *= 10.0 ** rng.integers(-8, 8, (32, 1)) * 10.0 ** rng.integers(-8, 8, 32)
    matrix = matrix.astype(np.float32)
    found = find_monarch_product(matrix)
    assert found is not None
    assert found.stored == 256
    np.testing.assert_allclose(found.matrix(), matrix, rtol=1e-4)
    matrix[0, 0] *= np.float32(1.01)
    check_more_is_stored(find_monarch_product(matrix), matrix)


def check_more_is_stored(found: MonarchProduct | None, matrix: Array) -> None:
    """One slice is of rank 2 now, so the rank-1 blocking of 256 weights is not exact any more."""
    if found is not None:
        assert found.stored > 256
        np.testing.assert_allclose(found.matrix(), matrix, rtol=1e-4)


@pytest.mark.parametrize("at", [(0, 0), (17, 9), (31, 31)])
def test_a_single_wrong_element(at: tuple[int, int]) -> None:
    matrix = random_product((4, 8), 4, (4, 8), 0).matrix()
    matrix[at] += np.float32(0.01)
    check_more_is_stored(find_monarch_product(matrix), matrix)


def test_slices_of_different_rank() -> None:
    """Half the slices of rank 2, half of rank 1: l does not divide q."""
    hidden = random_product((4, 12), 6, (4, 12), 0)
    matrix = hidden.matrix()
    found = find_monarch_product(matrix)
    check_exact(found, matrix, hidden.stored)
    hidden.w1[1], hidden.w2[2] = 0, 0
    check_exact(find_monarch_product(hidden.matrix()), hidden.matrix(), hidden.stored)


def test_rank_one_is_a_product_too() -> None:
    matrix = np.outer(np.arange(1, 9), np.arange(1, 13)).astype(np.float32)
    check_exact(find_monarch_product(matrix), matrix, 2 * 8 + 2 * 12)


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((8, 8)),
        np.ones((1, 1)),
        np.ones((1, 8)),
        np.ones((7, 8), np.int8),
        np.full((8, 8), np.nan),
        np.full((8, 8), np.inf, np.float32),
        np.zeros((0, 8)),
        np.eye(2),
    ],
)
def test_nothing_to_find(matrix: Array) -> None:
    assert find_monarch_product(matrix) is None


@pytest.mark.parametrize("shape", [(96, 96), (64, 160), (160, 64), (60, 84), (97, 101), (3, 5)])
def test_dense_matrices(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for matrix in (rng.standard_normal(shape), rng.integers(-127, 128, shape).astype(np.float32)):
        assert find_monarch_product(matrix) is None


@pytest.mark.parametrize("zeros", [np.s_[:, 3::4], np.s_[:8], np.s_[:4, 3::4], np.s_[:, 1::2]])
def test_slices_of_zeros_are_no_products(zeros: Any) -> None:
    """Of rank 0, they tell nothing of the rest, which is random."""
    matrix = np.random.default_rng(0).standard_normal((64, 64))
    matrix[zeros] = 0
    assert find_monarch_product(matrix) is None
