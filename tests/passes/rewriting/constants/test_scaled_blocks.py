"""Blocks with scales of any kind: what arrays multiply by, with what is left to do, gives the same products.

The integers are those of the block, moved by a number for each column of a piece, and no column needs more bits.
"""

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
TYPES = ("int8", "uint8", "int4", "uint4", "int2", "uint2")
KINDS = ("all", "column", "row", "some rows", "some columns", "some rows anywhere")


def inputs(x: Array, plan: ScaledBlocks) -> Array:
    """Vectors [blocks, in] as they meet the pieces, [pieces, rows]."""
    if plan.factors is not None:
        x = (x[:, None] * plan.factors).reshape(-1, x.shape[1])
    if plan.table is not None:
        x = np.where(plan.table < 0, 0, x[:, plan.table])
    filled = np.zeros((len(x), plan.groups * plan.values.shape[1]))
    filled[:, : x.shape[1]] = x
    return filled.reshape(len(plan.values), -1)


def product(x: Array, plan: ScaledBlocks) -> Array:
    """`x` [blocks, in] times the blocks, [blocks, out], in double precision."""
    blocks, columns = len(x), plan.values.shape[2]
    parts = inputs(x, plan)
    values = plan.values.astype(np.float64) - (0 if plan.zero_point is None else plan.zero_point[:, None])
    y = np.einsum("bk,bkn->bn", parts, values) * plan.scale
    if plan.offset is not None:
        parts = parts if plan.row_zero is None else parts * plan.row_zero
        y -= parts.sum(axis=1, keepdims=True) * plan.offset
    return y.reshape(-1, plan.groups, columns).sum(axis=1).reshape(blocks, -1)[:, : plan.columns]


def pieces(array: Array, plan: ScaledBlocks) -> tuple[Array, Array]:
    """Numbers of the blocks where the plan has them, and which of its places have some of their own."""
    blocks, rows, out = array.shape
    width = len(plan.values) * plan.values.shape[2] // (blocks * plan.groups)
    array = np.pad(array, [(0, 0), (0, 0), (0, width - out)], mode="edge")
    if plan.factors is not None and plan.factors.shape[1] > 1:
        parts = plan.factors.shape[1]
        array = array.reshape(blocks, rows, parts, -1).swapaxes(1, 2).reshape(blocks * parts, rows, -1)
    table = np.full(plan.groups * plan.values.shape[1], -1)
    table[:rows] = np.arange(rows)
    table = table if plan.table is None else plan.table
    there = np.broadcast_to((table >= 0)[None], (len(array), len(table)))
    return array[:, table].reshape(plan.values.shape), there.reshape(plan.values.shape[:2])


@st.composite
def tensors(draw: st.DrawFn, types: tuple[str, ...] = TYPES) -> ConstantTensor:
    """Blocks of integers with a scale, and perhaps a zero point, for all, or for some of the numbers."""
    blocks, columns, size, groups = (draw(st.integers(1, n)) for n in (3, 7, 4, 4))
    rows = max(1, size * groups - draw(st.integers(0, size - 1)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    order = rng.permutation(rows)

    def numbers(kind: str, low: float, high: float) -> Array:
        shape = blocks, rows, columns
        if kind.startswith("some rows"):
            drawn = np.repeat(rng.uniform(low, high, (blocks, groups, columns)), size, axis=1)[:, :rows]
            drawn = drawn[:, order] if kind.endswith("anywhere") else drawn
        elif kind == "some columns":
            drawn = np.repeat(rng.uniform(low, high, (blocks, rows, 4)), 2, axis=2)[:, :, :columns]
        else:
            least = {"all": (1, 1, 1), "column": (blocks, 1, columns), "row": (blocks, rows, 1)}
            drawn = rng.uniform(low, high, least[kind])
        return np.broadcast_to(drawn.astype(np.float32), shape)

    dtype = np.dtype(getattr(ml_dtypes, name := draw(st.sampled_from(types)), None) or name)
    limits = ml_dtypes.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    values = rng.integers(low, high + 1, (blocks, rows, columns)).astype(dtype)
    kind = draw(st.sampled_from(KINDS))
    scale = numbers(kind, 0.1, 1.0)
    if draw(st.booleans()):
        scale = scale * numbers(draw(st.sampled_from(("column", "row"))), 0.5, 1.0)
    zero = None
    if draw(st.booleans()):
        zero = numbers(draw(st.sampled_from((kind, "all", "column", "row", "some rows"))), low, high)
        zero = np.rint(zero).astype(np.int32) if draw(st.booleans()) else zero
    return ConstantTensor(values, "w", scale=scale, zero_point=zero)


@settings(max_examples=300, deadline=None)
@given(tensors())
def test_products_and_integers_stay(tensor: ConstantTensor) -> None:
    plan = scaled_blocks(tensor)
    if plan is None:
        return
    x = np.random.default_rng(0).standard_normal(tensor.shape[:2])
    expected = np.einsum("bk,bkn->bn", x, tensor.numbers().astype(np.float64))
    np.testing.assert_allclose(product(x, plan), expected, rtol=1e-3, atol=3e-3)
    check_integers(tensor, plan)


def check_integers(tensor: ConstantTensor, plan: ScaledBlocks) -> None:
    """They are the file's less their zero points, or all moved by one number, with zeros where there is none."""
    own, there = pieces(tensor.values.astype(np.int16), plan)
    moved = (own - plan.values)[there]
    zero = np.zeros_like(own) if tensor.zero_point is None else np.rint(pieces(tensor.zero_point, plan)[0])
    assert np.array_equal(moved, zero[there]) or len(np.unique(moved)) == 1
    assert not plan.values[~there].any()


def widest(plan: ScaledBlocks) -> int:
    """The largest span of a column of a piece whose rows are all there."""
    return int(np.ptp(plan.values.astype(np.int16), axis=1).max())


def shared(kind: str, low: float, high: float, seed: int) -> Array:
    """Numbers [1, 12, 8] that are one for all, a column, a row, or some of these."""
    rng = np.random.default_rng(seed)
    shapes = {"all": (1, 1, 1), "column": (1, 1, 8), "row": (1, 12, 1), "rows": (1, 3, 8), "columns": (1, 12, 2)}
    drawn = rng.uniform(low, high, shapes[kind]).astype(np.float32)
    drawn = np.repeat(drawn, 4, axis=1) if kind == "rows" else drawn
    return np.broadcast_to(np.repeat(drawn, 4, axis=2) if kind == "columns" else drawn, (1, 12, 8))


@pytest.mark.parametrize("type_", ["uint4", "uint2", "int4", "uint8"])
@pytest.mark.parametrize("zero", [None, "all", "column", "row", "rows", "columns"])
@pytest.mark.parametrize("scale", ["all", "column", "row", "rows", "columns"])
def test_no_column_needs_more_bits_than_the_file_has(type_: str, zero: str | None, scale: str) -> None:
    """Whatever scales and zero points are for; one bit more where some rows share one, and some columns the other."""
    dtype = np.dtype(getattr(ml_dtypes, type_, None) or type_)
    limits = ml_dtypes.iinfo(dtype)
    values = np.random.default_rng(1).integers(int(limits.min), int(limits.max) + 1, (1, 12, 8)).astype(dtype)
    zeros = None if zero is None else np.rint(shared(zero, int(limits.min), int(limits.max), 3)).astype(np.int32)
    tensor = ConstantTensor(values, "w", scale=shared(scale, 0.1, 1, 2), zero_point=zeros)
    plan, is_mixed = scaled_blocks(tensor), {scale, zero} == {"rows", "columns"}
    if is_mixed and type_ == "uint8":
        return  # nine bits: the one case in which there is no form for the integers
    assert plan is not None
    x = np.random.default_rng(0).standard_normal((1, 12))
    np.testing.assert_allclose(product(x, plan)[0], x[0] @ tensor.numbers()[0].astype(np.float64), rtol=1e-3, atol=1e-2)
    check_integers(tensor, plan)
    span = int(limits.max) - int(limits.min)
    assert widest(plan) <= (2 * span if is_mixed else span)


def plan_of(scale: object, values: object, zero: Array | None = None) -> ScaledBlocks | None:
    integers = np.array(values)[None]
    shape = integers.shape
    scales = np.broadcast_to(np.array(scale, np.float32), shape)
    return scaled_blocks(
        ConstantTensor(integers, "w", scale=scales, zero_point=None if zero is None else np.broadcast_to(zero, shape))
    )


FOUR = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.int8)
A_ROW_A_COLUMN = [[0.5, 0.25], [0.25, 0.125], [1.0, 0.5], [2.0, 1.0]]
TWO_ROWS = [[0.5, 0.25], [0.5, 0.25], [1.0, 0.75], [1.0, 0.75]]
TWO_ROWS_APART = [[0.5, 0.25], [1.0, 0.75], [1.0, 0.75], [0.5, 0.25]]
TIMES_A_ROW = [[0.5, 0.25], [1.0, 0.5], [1.0, 0.75], [0.5, 0.375]]


@pytest.mark.parametrize(
    ("scale", "pieces", "has_factors", "order"),
    [
        (0.5, 1, False, [0, 1, 2, 3]),
        ([0.5, 0.25], 1, False, [0, 1, 2, 3]),
        ([[0.5], [0.25], [1.0], [2.0]], 1, True, [0, 1, 2, 3]),
        (A_ROW_A_COLUMN, 1, True, [0, 1, 2, 3]),
        (TWO_ROWS, 2, False, [0, 1, 2, 3]),
        (TWO_ROWS_APART, 2, False, [0, 3, 1, 2]),
        (TIMES_A_ROW, 2, True, [0, 1, 2, 3]),
    ],
)
def test_the_least_that_there_is_to_do(scale: object, pieces: int, has_factors: bool, order: list[int]) -> None:
    """One dense weight, inputs that are scaled, or one piece for some rows; the integers stay."""
    plan = plan_of(scale, FOUR)
    assert plan is not None
    assert (len(plan.values), plan.factors is not None) == (pieces, has_factors)
    assert (plan.zero_point, plan.offset, plan.row_zero) == (None, None, None)
    assert plan.values.reshape(FOUR.shape).tolist() == FOUR[order].tolist()
    assert (None if plan.table is None else plan.table.tolist()) == (None if order == [0, 1, 2, 3] else order)


def test_a_scale_for_some_columns_of_each_row() -> None:
    """A piece for these columns, with inputs of its own."""
    scale = np.repeat(np.array([[0.5, 0.25], [0.25, 0.5], [1.0, 0.1]], np.float32), 3, axis=1)
    values = np.arange(15, dtype=np.int8).reshape(3, 5)
    plan = plan_of(scale[:, :5], values)
    assert plan is not None
    assert plan.values.shape == (2, 3, 3)
    assert plan.columns == 5
    assert plan.factors is not None
    assert plan.factors.shape == (1, 2, 3)
    assert plan.values.swapaxes(0, 1).reshape(3, 6)[:, :5].tolist() == values.tolist()


def test_a_scale_for_each_number_has_no_integers() -> None:
    scale = [[0.5, 0.25, 0.3], [0.25, 0.5, 0.7], [1.0, 0.1, 0.2], [2.0, 0.3, 1.0]]
    assert plan_of(scale, np.ones((4, 3), np.int8)) is None


def test_a_zero_point_for_each_row_stays_beside_four_bits() -> None:
    """Less their zero points they would need five; 8 is between them, and what is left is subtracted."""
    values = np.array([[0, 15], [15, 0], [3, 9]]).astype(ml_dtypes.uint4)
    plan = plan_of(0.5, values, np.array([[2], [14], [8]], np.int32))
    assert plan is not None
    assert plan.values[0].tolist() == [[-8, 7], [7, -8], [-5, 1]]
    assert plan.row_zero is not None
    assert plan.row_zero.tolist() == [[-6, 6, 0]]
    assert plan.offset is not None
    assert plan.offset.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("rows", [2, 1])
def test_zero_points_of_some_rows_cut_what_one_scale_does_not(rows: int) -> None:
    """A piece for each two rows of one zero point; where each number has its own, they need a bit more."""
    values = np.array([[0, 15], [15, 0], [0, 15], [15, 0]]).astype(ml_dtypes.uint4)
    zero = np.repeat(np.array([[0, 15], [15, 0], [3, 9], [1, 2]], np.int32)[::rows], rows, axis=0)
    plan = plan_of(0.5, values, zero)
    assert plan is not None
    assert (len(plan.values), widest(plan)) == ((2, 15) if rows == 2 else (1, 17))


@pytest.mark.parametrize(
    ("values", "zero", "moved", "rest"),
    [
        (np.array([[0], [15]], np.uint8), 8, [-8, 7], None),
        (np.array([[0], [255]], np.uint8), 128, [-128, 127], None),
        (np.array([[0], [255]], np.uint8), 130, [-128, 127], 2),
        (np.array([[0], [255]], np.uint8), None, [-128, 127], -128),
        (np.array([[100], [115]], np.uint8), None, [100, 115], None),
        (np.array([[-128], [127]], np.int8), 1, [-128, 127], 1),
        (np.array([[0], [15]], np.uint8), np.float32(7.25), [-7, 8], 0.25),
        (np.array([[0], [15]], np.uint8), np.float32(1e6), [-128, -113], 1e6 - 128),
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


def test_zero_points_that_are_no_numbers() -> None:
    assert plan_of(2.0, FOUR, np.array(np.nan, np.float32)) is None
