"""Bits for each weight: the budget is held, fewest crossbars are taken for it, and each layer says why."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.hardware.library import load_chip
from cimc.universe import make_context
from dialects.cim import weight_op
from dialects.hardware import MODULE_KEY
from dialects.network import Network
from dialects.notes import layer_notes
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.quantize.quantize import QuantizePass

Array = NDArray[Any]
GENERATOR = np.random.default_rng(7)
X = GENERATOR.standard_normal((300, 24)).astype(np.float32)
A, B = (GENERATOR.standard_normal(shape).astype(np.float32) for shape in ((24, 32), (32, 16)))
GRID = (GENERATOR.integers(-7, 8, (32, 16)) / 8).astype(np.float32)
"""Loses nothing with 4 bits."""


def network(b: Array = B, chip: str | None = "pcm-256", a: Array = A) -> tuple[ModuleOp, Context]:
    store = WeightStore()
    context = make_context(store)
    text = """
func.func @main(%x: tensor<?x24xf32> {cim.name = "x"}) -> tensor<?x16xf32> {
  %h = cim.matmul %x, @a : tensor<?x24xf32> -> tensor<?x32xf32> loc("first")
  %r = cim.digital "Relu"(%h) : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %y = cim.matmul %r, @b : tensor<?x32xf32> -> tensor<?x16xf32> loc("second")
  func.return %y : tensor<?x16xf32>
}"""
    module = Parser(context, text).parse_module()
    if chip is not None:
        module.attributes[MODULE_KEY] = load_chip(chip)
    for name, array in (("a", a), ("b", b)):
        Network(module, store).add_weight(weight_op(name, array, store))
    return module, context


@pytest.fixture
def file(tmp_path: Path) -> str:
    np.savez(tmp_path / "x.npz", x=X)
    return str(tmp_path / "x.npz")


def quantised(b: Array, budget: float, file: str | None, chip: str | None = "pcm-256") -> dict[str, dict[str, Any]]:
    """What is noted of each layer; the network's outputs are moved as far as the budget says, and activations."""
    module, context = network(b, chip)
    (exact,) = run_graph(network_model(Network.of(context, module)), {"x": X}).values()
    QuantizePass("token", file, "auto", quality_budget=budget).apply(context, module)
    module.verify()
    (output,) = run_graph(network_model(Network.of(context, module)), {"x": X}).values()
    if file is not None:
        assert np.linalg.norm(output - exact) < (budget + 0.01) * np.linalg.norm(exact)
    return {str(note["node"]): dict(note) for note in layer_notes(module)}


@pytest.mark.parametrize(
    ("budget", "calibrated", "bits"),
    [
        (0.001, True, (8, 8)),
        (0.03, True, (6, 6)),
        (0.15, True, (4, 4)),
        (0.9, True, (2, 2)),
        (0.001, False, (8, 8)),
        (0.15, False, (4, 4)),
    ],
)
def test_bits_follow_the_budget(budget: float, calibrated: bool, bits: tuple[int, int], file: str) -> None:
    notes = quantised(B, budget, file if calibrated else None)
    assert tuple(int(notes[node]["weight_bits"]) for node in ("first", "second")) == bits


def test_a_weight_that_loses_nothing_gets_fewer_bits(file: str) -> None:
    notes = quantised(GRID, 0.02, file)
    assert int(notes["second"]["weight_bits"]) < int(notes["first"]["weight_bits"])
    assert notes["second"]["rounding"] == "error-compensated"
    assert notes["first"]["choice"].startswith(f"{int(notes['first']['weight_bits'])} bits: nearest integers lose 0.0")
    assert "of it or its products, together 0.0" in notes["first"]["choice"]


def test_no_weight_loses_most_of_what_it_says() -> None:
    """Four levels cannot tell numbers apart beside one that is eight times as large, whatever the sum would allow."""
    steep = np.where(np.arange(32)[:, None] == np.arange(16), -8, np.sign(B)).astype(np.float32)
    assert [note["weight_bits"] for note in quantised(steep, 0.49, None).values()] == [2, 4]
    assert [note["weight_bits"] for note in quantised(steep, 0.9, None).values()] == [2, 2]


def test_bits_that_save_no_crossbar_are_not_taken_away(file: str) -> None:
    """With cells of 2 bits 3 bits take as many as 4; where no chip is named, each bit counts."""
    assert {note["weight_bits"] for note in quantised(B, 0.3, file).values()} <= {8, 6, 4, 2}
    assert 3 in {note["weight_bits"] for note in quantised(B, 0.25, None, chip=None).values()}


def test_choices_are_the_same_each_time(file: str) -> None:
    assert quantised(B, 0.1, file) == quantised(B, 0.1, file)


def test_sensitivity_is_that_of_the_products(file: str) -> None:
    """Large inputs meet rows that are small beside the others: products lose far more than the weight does."""
    large = np.arange(32) < 4
    a, b = A * np.where(large, 100, 1).astype(np.float32), B * np.where(large, 0.01, 1).astype(np.float32)[:, None]
    losses: list[float] = []
    for calibration in (file, None):
        module, context = network(b, a=a)
        QuantizePass("token", calibration, "auto", quality_budget=1e-6).apply(context, module)
        (said,) = (str(note["choice"]) for note in layer_notes(module) if note["node"] == "second")
        losses.append(float(said.removeprefix("8 bits: nearest integers lose ").split()[0]))
    assert losses[0] > 10 * losses[1]
