"""Networks that once crashed cimc (tests/cases/README.md), each compiled and compared with what is right."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import load_model_from_string

from cimc.compiler import Compilation, Options, compile_network
from cimc.machine.machine import Machine
from cimc.report.report import report_of
from dialects.errors import UserError

Compiled = Callable[..., Compilation]
CASES = Path(__file__).parent.parent / "cases"
MULTIPLICATIONS = {
    "crash_attention_opset11": 4,
    "ir3_no_17_attn": 4,
    "unranked_einsum": 0,
    "gqa_packed": 1,
    "crash_stale_output_type": 2,
    "decl_monarch_n5": 2,
    "crash_castmul_widening": 2,  # the weight is a product of a row and a column, and kept as such
    "qmark_dims": 1,
    "negative_dimension": 1,
    "dom_mlp": 2,
    "fp16_residual": 1,
    "distance_hides": 1,
    "verify_each_false_alarm": 2,
    "gap_s40_gptfast": 1,
    "gap_s40_cast_sub_mul": 1,
    "gap_s41_1KN_f": 1,
    "gap_monarch_qoperator": 4,
    "gap_s60_ort_optimised_q": 2,
}
"""How many products each program has on arrays."""
LEAST_COSINE = {"crash_attention_opset11": 0.98}
"""Where 8-bit numbers alone cost more than 0.01: scores of +-30 before a softmax."""


def arrays(file: Path) -> dict[str, NDArray[Any]] | None:
    if not file.exists():
        return None
    with np.load(file) as content:
        return dict(content)


def cosine(a: NDArray[Any], b: NDArray[Any]) -> float:
    a, b = a.astype(np.float64).reshape(-1), b.astype(np.float64).reshape(-1)
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize("case", MULTIPLICATIONS)
def test_case(case: str, compiled: Compiled) -> None:
    """Identical to the reference, near the original, and so many products on arrays; its report can be written."""
    inputs, expected = (arrays(CASES / f"{case}.{what}.npz") for what in ("inputs", "expected_original"))
    program = compiled(CASES / f"{case}.onnx", inputs).program
    assert len(program.multiplications) == MULTIPLICATIONS[case]
    assert report_of(program).layers is not None
    if inputs is not None and expected is not None:
        found = Machine(program).run(inputs)
        for name, right in expected.items():
            assert found[name].shape == right.shape
            assert cosine(found[name], right) > LEAST_COSINE.get(case, 0.99)


def test_a_product_of_unknown_rank(compiled: Compiled) -> None:
    """`Reshape(x, s)` with the shape as an input: any rank may come of it."""
    rng = np.random.default_rng(0)
    x, z = (rng.standard_normal((4, 4), np.float32) for _ in "xz")
    inputs = {"x": x, "s": np.array([2, 2, 4]), "z": z}
    compiled(CASES / "unranked_MatMul.onnx", inputs)


@pytest.mark.parametrize("opset", [11, 13, 17])
@pytest.mark.parametrize(
    ("node", "weight", "shape"),
    [
        ("MatMul(h, w)", (8, 6), [2, 3, 8]),
        ("Gemm(h, w)", (8, 6), [6, 8]),
        ("Gemm<transA = 1, transB = 1>(h, w)", (6, 8), [8, 6]),
        ("Conv(h, w)", (6, 8, 1), [2, 8, 3]),
        ("Conv(h, w)", (6, 8, 1, 1), [1, 8, 3, 2]),
        ("Conv<group = 2>(h, w)", (6, 4, 1), [2, 8, 3]),
    ],
)
def test_products_of_values_without_a_rank_are_on_arrays(
    opset: int, node: str, weight: tuple[int, ...], shape: list[int], onnx_file: Callable[..., Path], compiled: Compiled
) -> None:
    """`s` has an unknown length, so ONNX infers nothing of `h`."""
    rng = np.random.default_rng(0)
    text = f"g (float[n,m] x, int64[l] s) => (float y) {{ h = Reshape(x, s)  y = {node} }}"
    file = onnx_file(text, {"w": rng.standard_normal(weight, np.float32)}, opset=opset)
    model = load_model_from_string(file.read_bytes())
    model.graph.output[0].type.tensor_type.ClearField("shape")
    file.write_bytes(model.SerializeToString())
    inputs = {"x": rng.standard_normal((6, 8), np.float32), "s": np.array(shape)}
    assert len(compiled(file, inputs).program.multiplications) == 1


def test_dimensions_are_what_is_inferred_and_not_what_is_declared(compiled: Compiled) -> None:
    (output,) = compiled(CASES / "decl_monarch_n5.onnx").program.outputs
    assert output.shape == (None, 16)


def test_dimensions_whose_name_says_nothing(compiled: Compiled) -> None:
    (x,) = compiled(CASES / "qmark_dims.onnx", arrays(CASES / "qmark_dims.inputs.npz")).program.inputs
    assert x.shape == (None, None, 32)


def test_half_precision_is_rounded_in_the_same_places(compiled: Compiled) -> None:
    """To the last bit, which does not depend on the processor."""
    inputs, expected = (arrays(CASES / f"fp16_residual.{what}.npz") for what in ("inputs", "expected"))
    assert inputs is not None
    assert expected is not None
    found = Machine(compiled(CASES / "fp16_residual.onnx", inputs).program).run(inputs)
    assert found["y"].tobytes() == expected["y"].tobytes()


def test_the_output_that_differs_is_not_hidden(compiled: Compiled) -> None:
    distance = compiled(CASES / "distance_hides.onnx").distance
    assert distance is not None
    assert not distance.identical
    assert distance.largest > 0
    assert distance.largest_output == "y"


def test_no_alarm(compiled: Compiled, capsys: pytest.CaptureFixture[str]) -> None:
    compiled(CASES / "verify_each_false_alarm.onnx", verify_each=True)
    assert capsys.readouterr().err == ""


def test_refused() -> None:
    file = CASES / "empty_Max.onnx"
    message = f"{file}: node 'n' (Max) leaves out input 2, which its operator needs"
    with pytest.raises(UserError, match=re.escape(message)):
        compile_network(file, Options(chip="tiny-4"))


def test_every_case_is_tried() -> None:
    assert {file.stem for file in CASES.glob("*.onnx")} >= {*MULTIPLICATIONS, "unranked_MatMul", "empty_Max"}
