"""Blocks with scales of any kind: what arrays multiply by, with what is left to do, gives the same products."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.constants.scaled_blocks import ScaledBlocks, scaled_blocks

Array = NDArray[Any]
KINDS = ("int8", "uint8", "int4", "uint4")


def product(x: Array, plan: ScaledBlocks) -> Array:
    """`x` [blocks, in] times the blocks, [blocks, out], in double precision."""
    blocks, columns = len(x), plan.values.shape[2]
    x = x if plan.rows is None else x * plan.rows
    filled = np.zeros((blocks, plan.groups * plan.values.shape[1]))
    filled[:, : x.shape[1]] = x
    parts = filled.reshape(blocks * plan.groups, -1)
    values = plan.values.astype(np.float64) - (0 if plan.zero_point is None else plan.zero_point[:, None])
    y = np.einsum("bk,bkn->bn", parts, values) * plan.scale
    if plan.offset is not None:
        y -= parts.sum(axis=1, keepdims=True) * plan.offset
    return y.reshape(blocks, plan.groups, columns).sum(axis=1)


@st.composite
def tensors(draw: st.DrawFn) -> ConstantTensor:
    """Blocks of integers with a scale, and perhaps a zero point, for all, a column, a row, or some rows."""
    blocks, columns, size, groups = (draw(st.integers(1, n)) for n in (3, 3, 4, 3))
    rows = max(1, size * groups - draw(st.integers(0, size - 1)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))

    def numbers(kind: str, low: float, high: float) -> Array:
        shape = {"all": (1, 1, 1), "column": (blocks, 1, columns), "row": (blocks, rows, 1)}.get(kind)
        drawn = rng.uniform(low, high, (blocks, groups, columns) if shape is None else shape).astype(np.float32)
        drawn = drawn if shape is not None else np.repeat(drawn, size, axis=1)[:, :rows]
        return np.broadcast_to(drawn, (blocks, rows, columns))

    dtype = np.dtype(getattr(ml_dtypes, draw(st.sampled_from(KINDS)), None) or draw(st.sampled_from(("int8", "uint8"))))
    limits = ml_dtypes.iinfo(dtype)
    values = rng.integers(int(limits.min), int(limits.max) + 1, (blocks, rows, columns)).astype(dtype)
    kinds = st.sampled_from(("all", "column", "row", "group"))
    scale = numbers(draw(kinds), 0.1, 1.0)
    if draw(st.booleans()):
        scale = scale * numbers("column", 0.5, 1.0)
    zero = numbers(draw(kinds), float(limits.min), float(limits.max)) if draw(st.booleans()) else None
    if zero is not None and draw(st.booleans()):
        zero = np.rint(zero).astype(np.int32)
    return ConstantTensor(values, "w", scale=scale, zero_point=zero)


@settings(max_examples=300, deadline=None)
@given(tensors())
def test_products_stay(tensor: ConstantTensor) -> None:
    plan = scaled_blocks(tensor)
    if plan is None:
        return
    x = np.random.default_rng(0).standard_normal(tensor.shape[:2])
    expected = np.einsum("bk,bkn->bn", x, tensor.numbers().astype(np.float64))
    np.testing.assert_allclose(product(x, plan), expected, rtol=1e-4, atol=1e-3)


def plan_of(scale: object, values: object, zero: Array | None = None) -> ScaledBlocks | None:
    integers = np.array(values)[None]
    shape = integers.shape
    scales = np.broadcast_to(np.array(scale, np.float32), shape)
    return scaled_blocks(
        ConstantTensor(integers, "w", scale=scales, zero_point=None if zero is None else np.broadcast_to(zero, shape))
    )


FOUR = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.int8)


@pytest.mark.parametrize(
    ("scale", "blocks", "has_rows"),
    [
        (0.5, 1, False),
        ([0.5, 0.25], 1, False),
        ([[0.5], [0.25], [1.0], [2.0]], 1, True),
        ([[0.5, 0.25], [0.25, 0.125], [1.0, 0.5], [2.0, 1.0]], 1, True),
        ([[0.5, 0.25], [0.5, 0.25], [1.0, 0.75], [1.0, 0.75]], 2, False),
    ],
)
def test_the_least_that_there_is_to_do(scale: object, blocks: int, has_rows: bool) -> None:
    """One dense weight, inputs that are scaled, or one block for some rows; the integers stay."""
    plan = plan_of(scale, FOUR)
    assert plan is not None
    assert (len(plan.values), plan.rows is not None, plan.zero_point, plan.offset) == (blocks, has_rows, None, None)
    assert plan.values.reshape(FOUR.shape).tolist() == FOUR.tolist()


def test_a_scale_for_each_number_has_no_integers() -> None:
    assert plan_of([[0.5, 0.25], [0.25, 0.5], [1.0, 0.1], [2.0, 0.3]], FOUR) is None


@pytest.mark.parametrize(
    ("values", "zero", "moved", "rest"),
    [
        (np.array([[0], [15]], np.uint8), 8, [-8, 7], None),
        (np.array([[0], [255]], np.uint8), 128, [-128, 127], None),
        (np.array([[0], [255]], np.uint8), 130, [-128, 127], 2),
        (np.array([[0], [255]], np.uint8), None, [-128, 127], -128),
        (np.array([[-128], [127]], np.int8), 1, [-128, 127], 1),
        (np.array([[0], [15]], np.uint8), np.float32(7.25), [-7, 8], 0.25),
    ],
)
def test_zero_points(values: Array, zero: float | None, moved: list[int], rest: float | None) -> None:
    """They become part of the integers where int8 holds these, and stay beside them else; fractions are subtracted."""
    plan = plan_of(2.0, values, None if zero is None else np.array(zero))
    assert plan is not None
    assert plan.values.reshape(-1).tolist() == moved
    whole, fraction = (None if a is None else a.item() for a in (plan.zero_point, plan.offset))
    is_whole = rest is not None and rest == int(rest)
    assert whole == (rest if is_whole else None)
    assert fraction == (None if rest is None or is_whole else 2 * rest)
