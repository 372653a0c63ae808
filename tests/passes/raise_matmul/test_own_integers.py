"""Networks of integers (tests/cases/README.md): the weights in arrays are those of the file, none quantised anew."""

from pathlib import Path

import numpy as np
import pytest
from onnx import load_model_from_string, numpy_helper

from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.universe import make_context
from dialects.cim import MatmulOp
from dialects.element_types import Array
from dialects.network import Network
from passes.detect_block_diagonal.detect_block_diagonal import DetectBlockDiagonalPass
from passes.fold_constants import FoldConstantsPass
from passes.quantize.quantize import QuantizePass
from passes.raise_matmul.raise_matmul import RaiseMatmulPass

CASES = Path(__file__).parents[2] / "cases"
PASSES = (FoldConstantsPass(), RaiseMatmulPass(), DetectBlockDiagonalPass(), QuantizePass())


def weights_of(file: Path) -> list[Array]:
    """What arrays multiply by, after `quantize`."""
    context = make_context()
    module = import_onnx(context, file, load_chip("tiny-4"))
    for step in PASSES:
        step.apply(context, module)
    network = Network.of(context, module)
    return [network.array(op.symbol) for op in network.body if isinstance(op, MatmulOp)]


def is_moved(weight: Array, integers: Array) -> bool:
    """Whether a weight is the integers, perhaps transposed, less one number."""
    forms = [integers, integers.T] if integers.ndim == 2 else [integers]
    differences = [form.astype(np.int16) - weight for form in forms if form.shape == weight.shape]
    return any((difference == difference.flat[0]).all() for difference in differences)


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("gap_s40_gptfast", ["W"]),
        ("gap_s40_cast_sub_mul", ["W"]),
        ("gap_s60_ort_optimised_q", ["W_quantized", "V_quantized"]),
        ("gap_monarch_qoperator", [f"l{layer}_w{factor}_quantized" for layer in (0, 1) for factor in (1, 2)]),
    ],
)
def test_integers_of_the_file(case: str, names: list[str]) -> None:
    file = CASES / f"{case}.onnx"
    model = load_model_from_string(file.read_bytes())
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    weights = weights_of(file)
    assert [weight.dtype for weight in weights] == [np.dtype(np.int8)] * len(names)
    assert all(is_moved(weight, arrays[name]) for weight, name in zip(weights, names, strict=True))
