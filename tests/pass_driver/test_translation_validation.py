"""Whether a pass kept the network's meaning: how much each kind of pass may change, and what is said if it did more."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.passes import ModulePass

from cimc.pass_driver.pipeline import Exactness
from cimc.pass_driver.translation_validation import TranslationValidator, cosine, difference, relative_difference
from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.errors import UserError
from dialects.network import main_block
from dialects.weights import store_of
from passes.fold_constants import FoldConstantsPass
from passes.quantize.quantize import QuantizePass
from passes.tile_blocks import TileBlocksPass

Array = NDArray[Any]
LITTLE, MUCH = 1 + 1e-6, 1.5


def floats(*values: float) -> Array:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("exactness", "found", "expected", "complaint"),
    [
        (Exactness.EXACT, floats(1, 2), floats(1, 2), None),
        (Exactness.EXACT, floats(LITTLE, 2), floats(1, 2), "1 of 2 values differ"),
        (Exactness.EXACT, floats(np.nan), floats(np.nan), None),
        (Exactness.EXACT, floats(-0.0, 1), floats(0.0, 1), "0 of 2 values differ"),
        (Exactness.ROUNDING, floats(LITTLE, 2), floats(1, 2), None),
        (Exactness.ROUNDING, floats(MUCH, 2), floats(1, 2), "differs by 2.5e-01 of the largest value"),
        (Exactness.ROUNDING, np.array([1, 2]), np.array([1, 3]), "1 of 2 values differ"),
        (Exactness.ROUNDING, floats(LITTLE, np.nan, -np.inf), floats(1, np.nan, -np.inf), None),
        (Exactness.ROUNDING, floats(1, np.nan), floats(1, 2), "other values are infinite or no number"),
        (Exactness.ROUNDING, floats(1, 2), floats(1, np.inf), "other values are infinite or no number"),
        (Exactness.QUANTIZING, floats(MUCH, 2), floats(1, 2), None),
        (Exactness.QUANTIZING, floats(-1, 2), floats(1, 2), None),
        (Exactness.QUANTIZING, np.array([1, 2]), np.array([1, 3]), "1 of 2 values differ"),
        (Exactness.QUANTIZING, floats(-np.inf), floats(np.inf), "other values are infinite or no number"),
        (Exactness.EXACT, np.array(["a"], np.object_), np.array(["ab"[:1]], np.object_), None),
        (Exactness.EXACT, np.array(["a"], np.object_), np.array(["b"], np.object_), "1 of 1 values differ"),
        (Exactness.QUANTIZING, floats(1), floats(1, 2), "float32(1,) instead of float32(2,)"),
        (Exactness.QUANTIZING, np.zeros(1), floats(0), "float64(1,) instead of float32(1,)"),
    ],
)
def test_what_may_change(exactness: Exactness, found: Array, expected: Array, complaint: str | None):
    assert difference(found, expected, exactness) == complaint


def test_relative_difference():
    assert relative_difference(floats(1, 9), floats(1, 10)) == pytest.approx(0.1)
    assert relative_difference(floats(0.5), floats(0)) == 0.5
    assert relative_difference(floats(), floats()) == 0


def test_cosine():
    assert cosine(floats(1, 1), floats(2, 2)) == pytest.approx(1)
    assert cosine(floats(1, 0), floats(0, 1)) == 0
    assert cosine(floats(0, 0), floats(0, 0)) == 1
    assert cosine(floats(3e38), floats(3e38)) == pytest.approx(1)


NETWORK = """
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %two = cim.constant dense<2.0> : tensor<f32>
  %y = cim.digital "Mul"(%x, %two) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}"""


@pytest.mark.parametrize(
    ("values", "why"), [(floats(), "all outputs are empty"), (floats(np.nan), "no value of the outputs is finite")]
)
def test_outputs_that_say_nothing(values: Array, why: str):
    """Whatever a pass did, they would be the same."""
    context: Context = make_context()
    module = Parser(context, NETWORK.replace("tensor<4xf32>", "tensor<?xf32>")).parse_module()
    validator = TranslationValidator(store_of(context), {"input0": values})
    with pytest.raises(UserError) as error:
        validator(None, module)
    assert str(error.value) == (
        f"--verify-each: there is nothing to compare: {why}: give other inputs with --calibrate"
    )


def test_a_network_whose_outputs_are_empty() -> None:
    """There is nothing that a pass could change."""
    context: Context = make_context()
    module = Parser(context, NETWORK.replace("tensor<4xf32>", "tensor<0xf32>")).parse_module()
    said: list[str] = []
    TranslationValidator(store_of(context), {"input0": floats()}, said.append)(None, module)
    assert not said


def validated(change: str) -> tuple[TranslationValidator, ModuleOp]:
    """A validator that has seen the network, and the network with another operator for `Mul`."""
    context: Context = make_context()
    module = Parser(context, NETWORK).parse_module()
    validator = TranslationValidator(store_of(context), {"input0": floats(1, 2, 3, 4)})
    validator(None, module)
    changed = Parser(context, NETWORK.replace("Mul", change)).parse_module()
    assert any(isinstance(op, DigitalOp) and op.is_a(change) for op in main_block(changed).ops)
    return validator, changed


@pytest.mark.parametrize(
    ("done", "change", "complaint"),
    [
        (TileBlocksPass(), "Add", "tile-blocks changed output 'output0': 3 of 4 values differ, may change not a bit"),
        (
            FoldConstantsPass(),
            "Add",
            "fold-constants changed output 'output0': differs by 2.5e-01 of the largest value, "
            "may change the order of float additions",
        ),
    ],
)
def test_a_pass_that_changes_the_network_is_named(done: ModulePass, change: str, complaint: str):
    validator, changed = validated(change)
    with pytest.raises(AssertionError) as error:
        validator(done, changed)
    assert str(error.value) == complaint


def test_quantisation_that_loses_much_is_no_mistake_but_worth_a_remark(capsys: pytest.CaptureFixture[str]):
    validator, changed = validated("Sub")
    validator(QuantizePass(), changed)
    assert capsys.readouterr().err == (
        "cimc: note: --verify-each: after quantize, output 'output0' has cosine 0.7454 with what it was: "
        "its weights or activations have a wider range than their bits can tell apart\n"
    )


def test_what_changes_later_is_measured_against_the_step_before():
    validator, changed = validated("Add")
    validator(QuantizePass(), changed)
    validator(TileBlocksPass(), changed)


def test_networks_that_do_not_run():
    validator, changed = validated("Mal")
    with pytest.raises(UserError) as error:
        validator(None, changed)
    assert str(error.value).startswith("--verify-each: the imported network does not run: ")
    with pytest.raises(UserError) as error:
        validator(QuantizePass(), changed)
    assert str(error.value).startswith("--verify-each: the network after quantize does not run: ")
    assert "\n" not in str(error.value)
