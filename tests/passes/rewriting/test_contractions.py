"""Contractions: the roles of axes, and products of any shapes as ONNX Runtime computes them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import BroadcastableShapes, mutually_broadcastable_shapes

from passes.rewriting.contractions import Contraction, batched_product


def test_roles_of_axes() -> None:
    product = Contraction("btkp", "kpq", "tbqk")
    assert (product.tokens, product.blocks, product.inputs, product.outputs) == ("bt", "k", "p", "q")
    assert product.is_product


@pytest.mark.parametrize(
    ("x", "w", "y"),
    [("bp", "p", "bp"), ("bp", "pq", "q"), ("bpp", "pq", "bq"), ("bp", "pqr", "bq"), ("bk", "kq", "bkq")],
)
def test_what_is_no_product(x: str, w: str, y: str) -> None:
    """Nothing summed over, a sum over tokens, a diagonal, a sum over the weight alone, blocks without inputs."""
    assert not Contraction(x, w, y).is_product


@settings(max_examples=200, deadline=None)
@given(mutually_broadcastable_shapes(signature="(m?,k),(k,n?)->(m?,n?)", max_dims=3, max_side=3), st.booleans())
def test_matmul_is_the_contraction_of_its_axes(shapes: BroadcastableShapes, is_left: bool) -> None:
    """Whatever the ranks, and wherever sizes of 1 are repeated."""
    a_shape, b_shape = shapes.input_shapes
    rng = np.random.default_rng(0)
    a, b = rng.integers(-9, 9, a_shape), rng.integers(-9, 9, b_shape)
    x, w = (b, a) if is_left else (a, b)
    plan = batched_product(x.shape, w.shape, is_left)
    assert plan is not None
    axes = plan.axes
    equation = f"{axes.x_axes},{axes.w_axes}->{axes.y_axes}"
    y = np.einsum(equation, x.squeeze(plan.x_squeezed), w.squeeze(plan.w_squeezed))
    np.testing.assert_array_equal(y, np.matmul(a, b))


def test_what_a_dynamic_dimension_leaves_open() -> None:
    """Whether each vector has a matrix of its own, or all have all: not where the constant has one for all."""
    assert batched_product((-1, 5, 2), (3, 2, 4), False) is None
    assert batched_product((4, 5, 2), (3, 2, 4), False) is None
    assert batched_product((-1, 5, 2), (1, 2, 4), False) is not None
