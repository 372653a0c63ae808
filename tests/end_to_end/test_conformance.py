"""Cases of ONNX's own conformance suite: identical to the reference network, or refused where ONNX Runtime refuses too.

Run as a script, `python tests/end_to_end/test_conformance.py`, it goes through all cases (some minutes).
"""

import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx.backend.test
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, load_model_from_string, numpy_helper, version_converter
from onnx.backend.test.loader import load_model_tests

from cimc.compiler import Options, compile_network
from cimc.machine.check import compare, run_reference
from cimc.machine.machine import Machine
from cimc.onnx_import.reader import OLDEST_OPSET
from cimc.program.errors import ProgramError
from dialects.errors import UserError

Array = NDArray[Any]

FOLDERS = ("simple", "pytorch-converted", "pytorch-operator")
NODE_CASES = (
    "matmul_2d", "matmul_3d", "matmul_4d", "matmul_1d_1d", "matmul_1d_3d", "matmulinteger",
    "gemm_all_attributes", "gemm_default_matrix_bias", "gemm_default_no_bias", "gemm_transposeA", "gemm_transposeB",
    "qlinearmatmul_2D_uint8_float32", "qlinearmatmul_2D_int8_float32", "qlinearmatmul_3D_uint8_float32",
    "qlinearmatmul_2D_uint8_float16", "basic_conv_with_padding", "conv_with_strides_no_padding",
    "quantizelinear", "quantizelinear_axis", "dequantizelinear", "dequantizelinear_axis", "dequantizelinear_blocked",
    "dynamicquantizelinear", "if", "loop11", "scan_sum", "scan9_sum", "layer_normalization_2d_axis0", "attention_4d",
    "sce_mean_log_prob_expanded", "attention_4d_gqa_causal_nonpad_decode_expanded", "mvn", "stft", "identity",
    "string_concat", "equal_string", "clip_default_inbounds_expanded", "range_float_type_positive_delta_expanded",
    "shape_start_1_end_2", "constantofshape_int_zeros", "top_k_uint64", "training_dropout_zero_ratio",
)  # fmt: skip
"""A few of each kind, and those that once failed."""
TOO_OLD = "expected: convert it with onnx.version_converter"
IS_NO_TENSOR = "is no tensor: programs take and give tensors only"
"""Sequences and optional values as inputs or outputs of a network are refused, though ONNX Runtime knows them."""


@dataclass(frozen=True)
class Case:
    """A network of the suite and values for its inputs; None for one that is no tensor."""

    name: str
    model: ModelProto
    inputs: Sequence[Array | None]

    def bound(self) -> "Case":
        """The same with all inputs but the first as initializers, for then multiplications are by constants."""
        model = ModelProto.FromString(self.model.SerializeToString())
        kept = list(model.graph.input)[:1]
        for entry, array in list(zip(model.graph.input, self.inputs))[1:]:
            if array is None:
                kept.append(entry)
            else:
                model.graph.initializer.append(numpy_helper.from_array(array, entry.name))
        del model.graph.input[:]
        model.graph.input.extend(kept)
        return Case(f"{self.name} bound", model, self.inputs)

    def feeds(self) -> dict[str, Array]:
        arrays = {entry.name: array for entry, array in zip(self.model.graph.input, self.inputs)}
        return {name: array for name, array in arrays.items() if array is not None}


def stored_cases() -> Iterator[Case]:
    """The cases on disk, brought to an operator set that cimc reads where they are older."""
    root = Path(str(onnx.backend.test.__file__)).parent / "data"
    for folder in sorted(path for kind in FOLDERS for path in (root / kind).iterdir()):
        model = load_model_from_string((folder / "model.onnx").read_bytes())
        constants = {tensor.name for tensor in model.graph.initializer}
        entries = [entry for entry in model.graph.input if entry.name not in constants]
        if all(entry.type.HasField("tensor_type") for entry in entries):
            data = (folder / "test_data_set_0" / f"input_{i}.pb" for i in range(len(entries)))
            arrays = [numpy_helper.to_array(TensorProto.FromString(file.read_bytes())) for file in data]
            yield Case(folder.name, modern(model), arrays)


def modern(model: ModelProto) -> ModelProto:
    """A model in an operator set that cimc reads; as it is where there is no conversion."""
    try:
        return model if model.opset_import[0].version >= OLDEST_OPSET else version_converter.convert_version(model, 13)
    except (RuntimeError, version_converter.ConvertError):
        return model


def node_cases() -> Iterator[Case]:
    """The cases that are made in memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the suite overflows on purpose
        cases = load_model_tests(kind="node")
    for case in cases:
        data = cast(list[Any], case.data_sets[0][0]) if case.data_sets else []
        arrays = [cast(Array, array) if isinstance(array, np.ndarray) else None for array in data]
        yield Case(case.name.removeprefix("test_"), cast(ModelProto, case.model), arrays)


def outcome(case: Case, folder: Path) -> str:
    """`identical`, or `refused: ...` where ONNX Runtime refuses the original as well; anything else is wrong."""
    file, reference = folder / "case.onnx", folder / "reference.onnx"
    file.write_bytes(case.model.SerializeToString())
    try:
        program = compile_network(file, Options(chip="tiny-4", reference=reference, measure=False)).program
        found = Machine(program).run(case.feeds())
    except (UserError, ProgramError) as error:
        try:
            run_reference(file, case.feeds())
        except ProgramError:
            return f"refused: {error}"
        return f"refused, though ONNX Runtime runs it: {error}"
    comparison = compare(found, run_reference(reference, case.feeds()))
    return "identical" if comparison.identical else str(comparison)


def is_right(result: str) -> bool:
    return result == "identical" or result.startswith("refused: ") or result.endswith((IS_NO_TENSOR, TOO_OLD))


def wrong_results(cases: Iterable[Case], folder: Path) -> dict[str, str]:
    """What went wrong, by case, with the inputs as they are and with all but the first bound to constants."""
    both = (case for one in cases for case in (one, one.bound()))
    return {case.name: result for case in both if not is_right(result := outcome(case, folder))}


def test_stored_cases(tmp_path: Path) -> None:
    cases = list(stored_cases())
    assert len(cases) == 140
    assert wrong_results(cases, tmp_path) == {}


def test_node_cases(tmp_path: Path) -> None:
    cases = [case for case in node_cases() if case.name in NODE_CASES]
    assert len(cases) == len(NODE_CASES)
    assert wrong_results(cases, tmp_path) == {}


def _main() -> int:
    """All cases; prints those that went wrong and a count of the others."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for one in (*stored_cases(), *node_cases()):
            for case in (one, one.bound()):
                result = outcome(case, Path(folder))
                counts[result.split(":")[0] if is_right(result) else "wrong"] += 1
                if not is_right(result):
                    print(f"{case.name}: {result}")
    print(dict(counts))
    return int(counts["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(_main())
