"""Small checkpoints of every family: what is exported computes what torch does, step by step; what is compiled, the
same as its reference, bit for bit."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from cimc.compiler import Options, compile_network
from cimc.export.export import environment, order_of
from cimc.machine.check import Reference, compare
from cimc.machine.machine import Machine
from cimc.report.report import report_of

ROOT = Path(__file__).parents[2]
DECODERS = ("llama", "qwen3", "mistral", "opt", "gpt2")
ENCODERS = ("bert", "roberta", "t5", "bart")
UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "foreign": (
        {"model_type": "mine", "auto_map": {"AutoModel": "mine.Mine"}},
        "its model_type mine is unknown to transformers, and code of its own is never run",
    ),
    "unknown": ({"architectures": ["Mine"]}, "its architecture Mine is unknown to transformers "),
    "seeing": (
        {"model_type": "vit", "architectures": ["ViTModel"]},
        "ViTModel takes pixel_values: expected a network that takes input_ids",
    ),
    "lacking": (
        {"num_hidden_layers": 2},
        "its weights lack 9 of those of LlamaForCausalLM, model.layers.1.input_layernorm.weight first",
    ),
}
"""What a configuration is changed to, and how the reason begins why the checkpoint is not exported."""
CLOSE = 1e-5
"""Of sums of float32 in different orders; the numbers themselves are about 1."""
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Exports:
    """What the worker answered, and the folder where everything is."""

    folder: Path
    answers: list[dict[str, str]]

    def network(self, name: str) -> Path:
        return self.folder / f"{name}.onnx"

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        with np.load(self.folder / f"{name}.npz") as archive:
            return dict(archive)


def child(*arguments: str, given: str = "") -> str:
    """What a process prints that finds our packages and fetches nothing."""
    command = [sys.executable, "-P", *arguments]
    path = environment() | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, env=path).stdout


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """Everything made and exported by one process, as torch takes many seconds to load."""
    folder = tmp_path_factory.mktemp("checkpoints")
    changes = {name: change for name, (change, _) in UNFIT.items()}
    lines = [
        json.dumps(order_of(folder / source, folder / f"{Path(source).stem}.onnx"))
        for source in (*DECODERS, *ENCODERS, "program.pt2", *UNFIT)
    ]
    families = str(Path(__file__).with_name("families.py"))
    answered = child(families, str(folder), json.dumps(changes), given="\n".join(lines))
    return Exports(folder, [json.loads(line) for line in answered.splitlines()])


def structure(file: Path) -> onnx.ModelProto:
    """A network without its weights."""
    return onnx.load_model_from_string(file.read_bytes())


def steps(file: Path, arrays: Arrays) -> Iterator[tuple[dict[str, NDArray[Any]], slice]]:
    """Inputs that bring a text in steps of 5, 1, 6 and 1 tokens, and where each is; caches are to be filled in."""
    start = 0
    names = [value.name for value in structure(file).graph.input]
    for length in (5, 1, 6, 1):
        now, seen = slice(start, start + length), slice(0, start + length)
        given = {
            "input_ids": arrays["input_ids"][:, now],
            "attention_mask": arrays["attention_mask"][:, seen],
            "position_ids": arrays["position_ids"][:, now],
        }
        yield {name: array for name, array in given.items() if name in names}, now
        start += length


def empty_caches(file: Path) -> dict[str, NDArray[Any]]:
    """Caches of no tokens for two sequences."""
    caches: dict[str, NDArray[Any]] = {}
    for value in structure(file).graph.input:
        if value.name.startswith("past_key_values."):
            dims = value.type.tensor_type.shape.dim
            assert [dims[0].dim_param, dims[2].dim_param] == ["batch", "past"]
            caches[value.name] = np.zeros((2, dims[1].dim_value, 0, dims[3].dim_value), np.float32)
    assert caches
    return caches


def presents(outputs: Arrays) -> dict[str, NDArray[Any]]:
    """The caches of the next step."""
    return {name.replace("present.", "past_key_values."): v for name, v in outputs.items() if name.startswith("pres")}


@pytest.mark.parametrize("name", DECODERS)
def test_decoders_step_by_step(exports: Exports, name: str) -> None:
    """One graph reads a text and continues it; a sliding window, here of 6 tokens, is kept by the mask."""
    file, arrays = exports.network(name), exports.arrays(name)
    network, caches = Reference(file), empty_caches(file)
    for given, now in steps(file, arrays):
        outputs = network.run(given | caches)
        seen = arrays["attention_mask"][:, now].astype(bool)
        difference = np.abs(outputs["logits"] - arrays["output.logits"][:, now])[seen]
        assert difference.max() < CLOSE
        caches = presents(outputs)


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders(exports: Exports, name: str) -> None:
    arrays = exports.arrays(name)
    file = exports.network(name)
    given = {"input_ids": arrays["input_ids"], "attention_mask": arrays["attention_mask"]}
    if name == "bert":
        given["token_type_ids"] = np.zeros_like(arrays["input_ids"])
    outputs = Reference(file).run(given)
    assert list(outputs) == {
        "bert": ["last_hidden_state", "pooler_output"],
        "roberta": ["logits"],
    }.get(name, ["last_hidden_state"])
    for output, values in outputs.items():
        assert np.abs(values - arrays[f"output.{output}"]).max() < CLOSE


@pytest.mark.parametrize("name", DECODERS)
def test_compiled_decoders(exports: Exports, name: str, tmp_path: Path) -> None:
    """The program's steps, with caches of its own, are those of its reference; the report counts a decoded token."""
    reference = tmp_path / "reference.onnx"
    compilation = compile_network(exports.network(name), Options(reference=reference))
    assert compilation.distance is not None
    assert (compilation.distance.cosine or 0) > 0.999, str(compilation.distance)
    machine, expected, caches = Machine(compilation.program), Reference(reference), empty_caches(exports.network(name))
    for given, _ in steps(exports.network(name), exports.arrays(name)):
        outputs = machine.run(given | caches)
        comparison = compare(outputs, expected.run(given | caches))
        assert comparison.identical, str(comparison)
        caches = presents(outputs)
    report = report_of(compilation.program)
    sizes = {"batch": 1, "past": 512, "past + sequence": 513, "sequence": 1}
    assert report.conditions["dims"] == sizes
    assert report.latency_ns["total"] is not None


@pytest.mark.parametrize("name", ENCODERS)
def test_compiled_encoders(exports: Exports, name: str, tmp_path: Path) -> None:
    reference = tmp_path / "reference.onnx"
    program = compile_network(exports.network(name), Options(reference=reference, measure=False)).program
    arrays = exports.arrays(name)
    given = {value.name: np.zeros_like(arrays["input_ids"]) for value in program.inputs}
    given |= {value: arrays[value] for value in ("input_ids", "attention_mask")}
    comparison = compare(Machine(program).run(given), Reference(reference).run(given))
    assert comparison.identical, str(comparison)


def test_shards_of_half_precision_become_float32(exports: Exports) -> None:
    """What such a network computes is tested with the other decoders."""
    model = structure(exports.network("mistral"))
    types = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) > 1}
    assert types == {onnx.TensorProto.FLOAT}
    assert len(list((exports.folder / "mistral").glob("*.safetensors"))) > 1


def test_a_program_of_torch(exports: Exports) -> None:
    arrays = exports.arrays("program")
    (output,) = Reference(exports.network("program")).run({"input": arrays["input"]}).values()
    assert np.abs(output - arrays["output"]).max() < CLOSE


def test_names(exports: Exports) -> None:
    """Nodes and weights are called after their modules, and nothing names files of the machine that exported."""
    model = structure(exports.network("qwen3"))
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert "model.layers.0.self_attn.q_proj/MatMul" in names
    weights = [tensor.name for tensor in model.graph.initializer]
    assert "model.layers.0.self_attn.q_proj.weight.transposed" in weights
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert b"site-packages" not in model.SerializeToString()
    assert {dim.dim_param for value in (*model.graph.input, *model.graph.output) for dim in _dims(value)} == {
        "",
        "batch",
        "sequence",
        "past",
        "past + sequence",
    }


def _dims(value: onnx.ValueInfoProto) -> Any:
    return value.type.tensor_type.shape.dim


def test_answers(exports: Exports) -> None:
    """The steps of each order, and the reason where it comes to nothing; the next is not hindered."""
    steps = [answer["step"] for answer in exports.answers if "step" in answer]
    assert steps[:4] == ["loading torch", "loading weights", "tracing", "writing"]
    reasons = [answer["error"] for answer in exports.answers if "error" in answer]
    for reason, (_, beginning) in zip(reasons, UNFIT.values(), strict=True):
        assert reason.startswith(beginning)
