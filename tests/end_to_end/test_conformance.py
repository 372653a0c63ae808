"""Cases of ONNX's own conformance suite: compiled, run, and compared with the reference network and the original.

Without a product in arrays, outputs are those of the original, bit for bit. Only what ONNX Runtime refuses, too, is
refused. `make conformance` goes through all cases, which takes some minutes, and writes what it counted to
`conformance.txt`, of which README.md speaks; the tests go through some.
"""

import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import onnx.backend.test
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, load_model_from_string, numpy_helper, version_converter
from onnx.backend.test.loader import load_model_tests

from cimc.compiler import Options, compile_network
from cimc.machine.check import compare, run_reference
from cimc.machine.machine import Machine
from cimc.onnx_import.reader import OLDEST_OPSET
from cimc.original import run_original
from cimc.program.errors import ProgramError
from dialects.errors import UserError

Array = NDArray[Any]

ROOT = Path(__file__).parents[2]
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
REFUSED_TOO = "and ONNX Runtime refuses it, too"
REASONS = {
    REFUSED_TOO: "ONNX Runtime refuses it, too",
    "expected: export it anew, or try onnx.version_converter": "of an operator set that is too old",
    "is no tensor: programs take and give tensors only": "an input or output is no tensor",
}
"""Why cases are rightly refused, by how the message ends. ONNX Runtime knows sequences and optional values."""
QUANTISED = "quantised"
COUNTED = Path(__file__).with_name("conformance.txt")
VERSIONS = f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}"


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


@cache
def node_cases() -> list[Case]:
    """The cases that are made in memory, which takes seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the suite overflows on purpose
        cases = load_model_tests(kind="node")
    made: list[Case] = []
    for case in cases:
        data = cast(list[Any], case.data_sets[0][0]) if case.data_sets else []
        arrays = [cast(Array, array) if isinstance(array, np.ndarray) else None for array in data]
        made.append(Case(case.name.removeprefix("test_"), cast(ModelProto, case.model), arrays))
    return made


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `refused` says why it did not compile, `differs` in what it differs from the reference.

    `original` says how a network without a product in arrays differs from the original, "" if in nothing; with one,
    it is `QUANTISED`, for its numbers have 8 bits.
    """

    refused: str = ""
    differs: str = ""
    original: str = ""

    @property
    def wrong(self) -> str:
        """What must not be; "" if all is well."""
        if self.refused and self.reason is None:
            return self.refused
        return self.differs or ("" if self.original == QUANTISED else self.original)

    @property
    def reason(self) -> str | None:
        """Why it was rightly refused."""
        return next((why for end, why in REASONS.items() if self.refused.endswith(end)), None)


def outcome(case: Case, folder: Path) -> Outcome:
    """Compile a case, run it, and compare its outputs with those of the reference and of the original."""
    file, reference = folder / "case.onnx", folder / "reference.onnx"
    file.write_bytes(case.model.SerializeToString())
    try:
        program = compile_network(file, Options(chip="tiny-4", reference=reference, measure=False)).program
        found = Machine(program).run(case.feeds())
    except (UserError, ProgramError) as error:
        try:
            run_reference(file, case.feeds())
        except ProgramError:
            return Outcome(refused=f"{error}: {REFUSED_TOO}")
        return Outcome(refused=str(error))
    comparison = compare(found, run_reference(reference, case.feeds()))
    differs = "" if comparison.identical else str(comparison)
    if program.multiplications:
        return Outcome(differs=differs, original=QUANTISED)
    original, _ = run_original(file, case.feeds())
    against = compare(found, original)
    return Outcome(differs=differs, original="" if against.identical else f"not the original: {against}")


def wrong_results(cases: Iterable[Case], folder: Path) -> dict[str, str]:
    """What went wrong, by case, with the inputs as they are and with all but the first bound to constants."""
    both = (case for one in cases for case in (one, one.bound()))
    return {case.name: wrong for case in both if (wrong := outcome(case, folder).wrong)}


def test_stored_cases(tmp_path: Path) -> None:
    cases = list(stored_cases())
    assert len(cases) == 140
    assert wrong_results(cases, tmp_path) == {}


def test_node_cases(tmp_path: Path) -> None:
    cases = [case for case in node_cases() if case.name in NODE_CASES]
    assert len(cases) == len(NODE_CASES)
    assert wrong_results(cases, tmp_path) == {}


def counted() -> dict[str, int]:
    """What the last run of all cases counted."""
    lines = COUNTED.read_text(encoding="utf-8").splitlines()[1:]
    return {what: int(count) for count, what in (line.split(maxsplit=1) for line in lines)}


def test_the_last_run_of_all_cases() -> None:
    """Nothing went wrong, and README.md has its numbers; run `make conformance` again if it was of other cases."""
    counts = counted()
    assert "wrong" not in counts
    assert counts["identical to the reference"] == counts["compiled and run"]
    refused = {what.removeprefix("refused: "): n for what, n in counts.items() if what.startswith("refused: ")}
    assert set(refused) <= set(REASONS.values())
    assert counts["cases"] == counts["compiled and run"] + sum(refused.values())
    others = sum(refused.values()) - refused[REASONS[REFUSED_TOO]]
    told = f"Of {counts['cases']:,} cases of ONNX's own suite, {counts['compiled and run']:,} compile and run"
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert told in readme
    assert f"all but {others} of sequences, optional values or older opsets" in readme
    if COUNTED.read_text(encoding="utf-8").startswith(f"{VERSIONS}\n"):
        assert counts["cases"] == 2 * sum(1 for _ in (*stored_cases(), *node_cases()))


def _main() -> int:
    """All cases; prints those that went wrong, and counts, which it writes down as well."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for one in (*stored_cases(), *node_cases()):
            for case in (one, one.bound()):
                found = outcome(case, Path(folder))
                counts["cases"] += 1
                if found.wrong:
                    print(f"{case.name}: {found.wrong}", flush=True)
                    counts["wrong"] += 1
                if found.refused:
                    counts[f"refused: {found.reason}"] += 1
                    continue
                counts["compiled and run"] += 1
                counts["identical to the reference"] += not found.differs
                counts["equal to the original" if not found.original else "with products of 8-bit numbers"] += 1
    lines = [f"{count:6} {what}" for what, count in counts.items()]
    print(*lines, sep="\n")
    COUNTED.write_text("\n".join([VERSIONS, *lines, ""]), encoding="utf-8")
    return int(counts["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(_main())
