"""Quantised multiplications: near the floats, and exactly what the formulas say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp, weight_op
from dialects.errors import UserError
from dialects.network import Network, main_block
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.project_monarch.project_monarch import ProjectMonarchPass
from passes.quantize.quantize import QuantizePass

Array = NDArray[Any]


def network(body: str, **weights: Array) -> tuple[ModuleOp, Context]:
    """`@main` with an input `%x` of any number of tokens and an output `%y`, of as many numbers as `@w` says."""
    store = WeightStore()
    context = make_context(store)
    rows, columns = weights["w"].shape
    module = Parser(
        context,
        f"""
func.func @main(%x: tensor<?x{rows}xf32> {{cim.name = "x", cim.dims = ["tokens", ""]}}) -> tensor<?x{columns}xf32> {{
  {body}
  func.return %y : tensor<?x{columns}xf32>
}}""",
    ).parse_module()
    for name, array in weights.items():
        Network(module, store).add_weight(weight_op(name, array, store))
    return module, context


def product(w: Array) -> tuple[ModuleOp, Context]:
    rows, columns = w.shape
    return network(f"%y = cim.matmul %x, @w : tensor<?x{rows}xf32> -> tensor<?x{columns}xf32>", w=w)


def run(module: ModuleOp, context: Context, x: Array) -> Array:
    (found,) = run_graph(network_model(Network.of(context, module)), {"x": x}).values()
    return found


def quantised(w: Array, x: Array, activations: str = "token", calibration: Path | None = None, bits: int = 8) -> Array:
    module, context = product(w)
    file = None if calibration is None else str(calibration)
    QuantizePass(activations, file, activation_bits=bits).apply(context, module)
    module.verify()
    return run(module, context, x)


numbers = st.floats(-1000, 1000, width=32)
GENERATOR = np.random.default_rng(0)


def per_token(x: Array) -> tuple[Array, Array, Array]:
    """uint8 values, scales and zero points, in float32 step by step."""
    low, high = np.minimum(x.min(1, keepdims=True), 0), np.maximum(x.max(1, keepdims=True), 0)
    scale = np.maximum((high - low) / np.float32(255), np.finfo(np.float32).tiny)
    zero = np.clip(np.rint(-low / scale), 0, 255)
    return np.clip(np.rint(x / scale) + zero, 0, 255).astype(np.uint8), scale, zero.astype(np.int32)


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.float32, (3, 4), elements=numbers), hnp.arrays(np.int8, (4, 5), elements=st.integers(-127, 127)))
def test_tokens_are_quantised_as_the_formula_says(x: Array, w: Array):  # N13
    w = w.copy()
    w[0] = 127  # so that the weights are their own integers, with scale 1
    q, scale, zero = per_token(x)
    expected = (q.astype(np.int32) @ w.astype(np.int32) - w.sum(0, dtype=np.int32) * zero).astype(np.float32) * scale
    assert quantised(w.astype(np.float32), x).tolist() == expected.tolist()


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.float32, (3, 4), elements=numbers), hnp.arrays(np.float32, (4, 5), elements=numbers))
def test_the_error_is_within_the_steps(x: Array, w: Array):
    _, scale, _ = per_token(x)
    step_w = np.maximum(abs(w).max(0), 1e-30) / 127
    # Half a step of x (one where its zero point was rounded too) and half a step of w, times the other factor.
    bound = 1.01 * (scale * abs(w).sum(0) + abs(x).sum(1, keepdims=True) * step_w + 4 * scale * step_w) + 1e-5
    exact = x.astype(np.float64) @ w
    assert (abs(quantised(w, x) - exact) <= bound + 1e-5 * abs(exact)).all()


@pytest.mark.parametrize("activations", ["token", "tensor"])
def test_tokens_of_zeros_give_zeros(activations: str):
    w = GENERATOR.standard_normal((4, 5)).astype(np.float32)
    assert (quantised(w, np.zeros((2, 4), np.float32), activations) == 0).all()


def test_an_outlier_costs_its_own_token_only():
    w = GENERATOR.standard_normal((8, 5)).astype(np.float32)
    x = GENERATOR.standard_normal((2, 8)).astype(np.float32)
    x[1] *= 1e4
    error_token, error_tensor = (abs(quantised(w, x, mode)[0] - x[0] @ w).max() for mode in ("token", "tensor"))
    assert error_token < 0.1 < error_tensor


@pytest.mark.parametrize("activations", ["token", "tensor"])
def test_any_number_of_tokens(activations: str):
    w = GENERATOR.standard_normal((4, 5)).astype(np.float32)
    for count in (1, 7):
        assert quantised(w, GENERATOR.standard_normal((count, 4)).astype(np.float32), activations).shape == (count, 5)


def operators(module: ModuleOp, name: str) -> int:
    return sum(isinstance(op, DigitalOp) and op.is_a(name) for op in main_block(module).ops)


def test_a_shared_activation_is_quantised_once():
    body = """
%q = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32>
%k = cim.matmul %x, @v : tensor<?x4xf32> -> tensor<?x4xf32>
%s = cim.digital "Add"(%q, %k) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
%y = cim.matmul %s, @w : tensor<?x4xf32> -> tensor<?x4xf32>"""
    w, v = GENERATOR.standard_normal((2, 4, 4)).astype(np.float32)
    module, context = network(body, w=w, v=v)
    QuantizePass("tensor").apply(context, module)
    assert operators(module, "DynamicQuantizeLinear") == 2
    matmuls = [op for op in main_block(module).ops if isinstance(op, MatmulOp)]
    assert [op.symbol for op in matmuls] == ["w.int8", "v.int8", "w.int8"]
    assert matmuls[0].x is matmuls[1].x


# Static activations.


def saved(folder: Path, **arrays: Array) -> Path:
    np.savez(folder / "x.npz", allow_pickle=True, **arrays)
    return folder / "x.npz"


def test_static_range_is_that_of_the_calibration_inputs(tmp_path: Path):
    w = np.eye(4, dtype=np.float32) * 127
    file = saved(tmp_path, x=np.array([[-1.0, 0.5, 2.0, 4.1]], np.float32))
    x = np.array([[-1.0, 0.0, 4.1, 100.0], [0.02, 0.01, -50.0, 1.0]], np.float32)
    scale = np.float32(4.1 + 1.0) / np.float32(255)
    steps = np.clip(np.rint(x / scale) + 50, 0, 255) - 50
    assert quantised(w, x, "static", file) / 127 == pytest.approx(steps * scale, rel=1e-6)


@pytest.mark.parametrize("bits", range(4, 8))
@pytest.mark.parametrize("activations", ["tensor", "static"])
def test_one_scale_of_fewer_bits(activations: str, bits: int, tmp_path: Path):  # N13
    """Of all tokens, or of the calibration inputs, which others may leave."""
    w, top = np.eye(4, dtype=np.float32) * 127, np.float32(2**bits - 1)
    x = np.array([[-1.0, 0.0, 3.0, 0.5], [0.02, 0.01, -0.7, 1.0]], np.float32)
    file = saved(tmp_path, x=x) if activations == "static" else None
    if file is not None:
        x = x * np.float32(1.5)
    scale = np.float32(4) / top
    zero = np.rint(np.float32(1) / scale)
    steps = np.clip(np.rint(x / scale) + zero, 0, top) - zero
    if activations == "tensor":
        assert {steps.min(), steps.max()} == {-zero, top - zero}
    assert quantised(w, x, activations, file, bits) / 127 == pytest.approx(steps * scale, rel=1e-6)


def test_static_range_without_negative_numbers_has_no_zero_point(tmp_path: Path):
    module, context = product(np.ones((2, 2), np.float32))
    QuantizePass("static", str(saved(tmp_path, x=np.ones((3, 2), np.float32)))).apply(context, module)
    assert operators(module, "QuantizeLinear") == 1
    assert operators(module, "Sub") == 0


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"z": np.ones((1, 2), np.float32)}, "no array for input 'x': expected x"),
        ({"x": np.ones((1, 3), np.float32)}, "the network does not run on these inputs: "),
        ({"x": np.ones((1, 2))}, "the network does not run on these inputs: "),
        ({"x": np.array([None])}, "not an .npz file with calibration inputs: "),
    ],
)
def test_wrong_calibration_inputs(arrays: dict[str, Array], message: str, tmp_path: Path):
    module, context = product(np.ones((2, 2), np.float32))
    file = saved(tmp_path, **arrays)
    with pytest.raises(UserError) as error:
        QuantizePass("static", str(file)).apply(context, module)
    assert str(error.value).startswith(f"{file}: {message}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("make", [QuantizePass, ProjectMonarchPass])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1, 2], [3, np.nan]], "array 'x' holds nan at [1, 1]: expected numbers that are finite"),
        ([[-np.inf, 2]], "array 'x' holds -inf at [0, 0]: expected numbers that are finite"),
        ([[2e38, 1]], "node 'cim.matmul' multiplies 1.9999"),
        (np.zeros((0, 2)), "array 'x' of shape [0, 2] holds no vectors: expected at least one"),
    ],
)
def test_calibration_inputs_without_a_meaning(
    make: type[QuantizePass | ProjectMonarchPass], x: Array, message: str, tmp_path: Path
):
    module, context = product(np.ones((2, 2), np.float32))
    file = str(saved(tmp_path, x=np.array(x, np.float32)))
    one = QuantizePass("static", file) if make is QuantizePass else ProjectMonarchPass("auto", 0.1, file)
    with pytest.raises(UserError) as error:
        one.apply(context, module)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{file}: ")


def test_what_becomes_infinite_on_the_way_names_its_node(tmp_path: Path):
    body = """%zero = cim.constant dense<0.0> : tensor<1xf32>
    %h = cim.digital "Div"(%x, %zero) : (tensor<?x2xf32>, tensor<1xf32>) -> tensor<?x2xf32>
    %y = cim.matmul %h, @w : tensor<?x2xf32> -> tensor<?x2xf32> loc("strange")"""
    module, context = network(body, w=np.eye(2, dtype=np.float32))
    file = saved(tmp_path, x=np.ones((1, 2), np.float32))
    with pytest.raises(UserError) as error:
        QuantizePass("static", str(file)).apply(context, module)
    assert str(error.value) == (
        f"{file}: on these inputs node 'strange' multiplies inf, at [0, 0] of [1, 2]: "
        "expected numbers up to 1.70141e+38"
    )


def test_calibration_of_a_product_of_no_vectors(tmp_path: Path):
    body = """%none = cim.constant dense<0> : tensor<1xi64>
    %h = cim.digital "Slice"(%x, %none, %none) : (tensor<?x2xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2xf32>
    %y = cim.matmul %h, @w : tensor<?x2xf32> -> tensor<?x2xf32> loc("idle")"""
    module, context = network(body, w=np.eye(2, dtype=np.float32))
    file = saved(tmp_path, x=np.ones((1, 2), np.float32))
    with pytest.raises(UserError) as error:
        QuantizePass("static", str(file)).apply(context, module)
    assert str(error.value) == f"{file}: on these inputs node 'idle' multiplies no vectors: expected at least one"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(number: float):
    w = np.ones((2, 2), np.float32)
    w[1, 0] = number
    module, context = product(w)
    with pytest.raises(UserError, match="weight @w has numbers that float32 has not"):
        QuantizePass().apply(context, module)


@pytest.mark.parametrize("bits", [{}, {"weight_bits": 4, "weight_group": 2, "activation_bits": 5}], ids=["8", "few"])
@pytest.mark.parametrize("activations", ["token", "tensor", "static"])
def test_tokens_that_are_no_numbers(activations: str, bits: dict[str, int], tmp_path: Path) -> None:
    """What the floats make NaN is NaN (N14), also after a second product; tokens beside it keep their numbers."""
    generator = np.random.default_rng(0)
    w = generator.standard_normal((5, 5)).astype(np.float32)
    x = generator.standard_normal((7, 5)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    odd = x.copy()
    odd[1, 4] = np.nan
    if activations != "tensor":  # where one infinite number takes the range of all tokens
        odd[2, 2:4], odd[3, 0], odd[4, 4], odd[5, :2] = (np.nan, np.inf), np.inf, -np.inf, (np.inf, -np.inf)
    module, context = network(
        "%h = cim.matmul %x, @w : tensor<?x5xf32> -> tensor<?x5xf32>"
        "%p = cim.permute %h, @order : tensor<?x5xf32> -> tensor<?x5xf32>"
        "%y = cim.matmul %p, @w : tensor<?x5xf32> -> tensor<?x5xf32>",
        w=w,
        order=np.array([4, 3, 2, 1, 0]),
    )
    calibration = str(tmp_path / "x.npz") if activations == "static" else None
    QuantizePass(activations, calibration, **bits, smooth=False).apply(context, module)
    y = run(module, context, odd)
    bad = ~np.isfinite(odd).all(axis=1)
    with np.errstate(invalid="ignore"):
        floats = (odd @ w)[:, ::-1] @ w
    assert np.isnan(y[bad]).all()
    assert np.isnan(y[np.isnan(floats)]).all()
    assert np.isfinite(y[~bad]).all()
    if activations == "token":
        assert np.array_equal(y[~bad], run(module, context, x)[~bad])
