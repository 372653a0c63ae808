"""Weights of a few bits, rounded by calibration inputs: products come nearer, and notes say how they were made."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.attributes.structure import REPEATED, BlockDiagonalAttr, BlocksAttr, RectanglesAttr
from dialects.cim import weight_op
from dialects.errors import UserError
from dialects.network import Network
from dialects.notes import layer_notes
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.quantize.analysis.choices import Resolution
from passes.quantize.calibrated import nearest_error
from passes.quantize.float_weights import Source
from passes.quantize.quantize import QuantizePass

Array = NDArray[Any]
GENERATOR = np.random.default_rng(5)
X = (GENERATOR.standard_normal((200, 8)) @ GENERATOR.standard_normal((8, 32))).astype(np.float32)
IN_A_BODY = """
  %yes = cim.constant dense<true> : tensor<i1>
  %y = cim.digital "If"(%yes) bodies ["then_branch", "else_branch"] {
    %p = cim.matmul %x, @w : tensor<?x32xf32> -> tensor<?x40xf32>
    cim.yield %p : tensor<?x40xf32>
  } {
    %q = cim.matmul %x, @w : tensor<?x32xf32> -> tensor<?x40xf32>
    cim.yield %q : tensor<?x40xf32>
  } : (tensor<i1>) -> tensor<?x40xf32>
"""
PRODUCT = "%y = cim.matmul %x, @w : tensor<?x32xf32> -> tensor<?x40xf32>"


def network(
    w: Array, structure: BlockDiagonalAttr | BlocksAttr | None = None, body: str = PRODUCT
) -> tuple[ModuleOp, Context]:
    store = WeightStore()
    context = make_context(store)
    text = f"""
func.func @main(%x: tensor<?x32xf32> {{cim.name = "x", cim.dims = ["tokens", ""]}}) -> tensor<?x40xf32> {{
  {body}
  func.return %y : tensor<?x40xf32>
}}"""
    module = Parser(context, text).parse_module()
    Network(module, store).add_weight(weight_op("w", w, store, structure=structure))
    return module, context


@pytest.fixture
def file(tmp_path: Path) -> str:
    np.savez(tmp_path / "x.npz", x=X)
    return str(tmp_path / "x.npz")


def error(made: tuple[ModuleOp, Context], expected: Array) -> float:
    module, context = made
    module.verify()
    (y,) = run_graph(network_model(Network.of(context, module)), {"x": X}).values()
    return float(np.linalg.norm(y - expected) / np.linalg.norm(expected))


def floats(*shape: int) -> Array:
    return GENERATOR.standard_normal(shape).astype(np.float32)


def rectangles(w: Array, kind: str = "block_diagonal") -> BlocksAttr:
    """Two blocks in 20 rows and 12 with 15 columns and 25; the rest of `w` becomes zero."""
    w[:20, 15:], w[20:, :15] = 0, 0
    return BlocksAttr(StringAttr(kind), RectanglesAttr.of(np.array([[0, 0, 20, 15], [20, 15, 12, 25]])))


@pytest.mark.parametrize("group", [None, 8, 12])
@pytest.mark.parametrize("form", ["dense", "equal blocks down the diagonal", "blocks of any size"])
def test_products_come_nearer(form: str, group: int | None, file: str) -> None:
    """The outputs lose about what is noted, and less than with the nearest integers."""
    w, structure = floats(32, 40), None
    if form == "blocks of any size":
        structure = rectangles(w)
    elif form != "dense":
        w = floats(2, 16, 20)
        structure = BlockDiagonalAttr.of(w.shape, "block_diagonal")
    made = [network(w, structure) for _ in range(3)]
    module, context = made[0]
    (expected,) = run_graph(network_model(Network.of(context, module)), {"x": X}).values()
    for calibration, (module, context) in zip((file, None), made):
        QuantizePass("token", calibration, 4, "column" if group is None else group).apply(context, module)
    compensated, nearest = (error(one, expected) for one in made[:2])
    assert compensated < 0.8 * nearest
    (note,) = layer_notes(made[0][0])
    assert note["rounding"] == "error-compensated"
    assert abs(float(note["rounded_output_error"]) - compensated) < 0.01
    assert float(note["rounded_output_error"]) < float(note["nearest_output_error"])
    (note,) = layer_notes(made[1][0])
    assert "rounding" not in note


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (IN_A_BODY, None, "nearest, only bodies of control flow multiply by it"),
        (PRODUCT, REPEATED, "nearest, its blocks are equal"),
    ],
)
def test_what_is_rounded_to_the_nearest(body: str, kind: str | None, why: str, file: str) -> None:
    w = floats(32, 40)
    structure = None if kind is None else rectangles(w, kind)
    made = [network(w, structure, body) for _ in range(2)]
    for calibration, (module, context) in zip((file, None), made):
        QuantizePass("token", calibration, 4).apply(context, module)
    calibrated, nearest = (Network.of(context, module).array("w.int4") for module, context in made)
    assert np.array_equal(calibrated, nearest)
    assert {note.get("rounding") for note in layer_notes(made[0][0])} == {why}


def test_nothing_is_said_of_8_bits(file: str) -> None:
    module, context = network(floats(32, 40))
    QuantizePass("token", file).apply(context, module)
    assert layer_notes(module) == []


def test_a_weight_without_finite_numbers(file: str) -> None:
    w = floats(32, 40)
    w[3, 4] = np.inf
    module, context = network(w)
    with pytest.raises(UserError, match="weight @w has numbers that float32 has not"):
        QuantizePass("token", file, 4).apply(context, module)


def test_large_vectors_do_not_hide_what_others_lose() -> None:
    """A product that one exact row makes loses little; the weight's own error counts then."""
    w = floats(32, 40)
    w[0] = 1
    source = Source(w, Resolution(4), None, 1, None, None)
    moments = np.diag([1e6, *np.ones(31)])[None]
    assert nearest_error(source, moments) > 0.9 * nearest_error(source, None)
    assert nearest_error(source, np.eye(32)[None]) == pytest.approx(nearest_error(source, None), rel=0.01)
