"""xDSL's own passes may stand anywhere in the pipeline: what they leave means the same and can be scheduled."""

from pathlib import Path

import pytest

from cimc.optimizer.driver import OptimizerMain
from cimc.pass_driver.pipeline import CHIP, NUMBERS, STRUCTURE
from passes.project_monarch.project_monarch import ProjectMonarchPass

TESTS = Path(__file__).parents[1]
STOCK = "dce,cse,canonicalize"


@pytest.mark.parametrize("file", ["models/blast_256x256_nb4_r32.dyn.onnx", "cases/ir3_no_17_attn.onnx"])
def test_stock_passes_between_ours(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--verify-each` runs the network, and at the end its schedule, after each pass."""
    ours = [step.of.name for step in (*STRUCTURE, *NUMBERS, *CHIP) if step.of is not ProjectMonarchPass]
    passes = ",".join([STOCK, *(f"{name},{STOCK}" for name in ours)])
    OptimizerMain("", [str(TESTS / file), "-p", passes, "--verify-each"]).run()
    assert "array.stage" in capsys.readouterr().out


RANDOM = """
func.func @main(%x: VECTOR) -> VECTOR {
  %a = cim.digital "RandomNormal"() with {shape = array<i64: 3>} : () -> VECTOR
  %b = cim.digital "RandomNormal"() with {shape = array<i64: 3>} : () -> VECTOR
  %no = cim.constant dense<false> : tensor<i1>
  %yes = cim.constant dense<true> : tensor<i1>
  %half = cim.constant dense<0.5> : tensor<f32>
  %ones = cim.constant dense<1.0> : VECTOR
  %c = cim.digital "Dropout"(%ones, %half, %yes) : (VECTOR, tensor<f32>, tensor<i1>) -> VECTOR
  %d = cim.digital "Dropout"(%ones, %half, %no) : (VECTOR, tensor<f32>, tensor<i1>) -> VECTOR
  %y = cim.digital "Sum"(%x, %a, %b, %c, %d) : (VECTOR, VECTOR, VECTOR, VECTOR, VECTOR) -> VECTOR
  func.return %y : VECTOR
}""".replace("VECTOR", "tensor<3xf32>")


def test_draws_stay_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are neither merged nor made constants of; a dropout that does not train is computed."""
    file = tmp_path / "random.mlir"
    file.write_text(RANDOM)
    OptimizerMain("", [str(file), "-p", f"{STOCK},fold-constants"]).run()
    printed = capsys.readouterr().out
    assert (printed.count('"RandomNormal"'), printed.count('"Dropout"')) == (2, 1)
