"""What is wrong with an ONNX file as a whole: one line each, with file and name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, load_model_from_string

from cimc.onnx_import import reader
from cimc.onnx_import.reader import NEWEST_OPSET, read
from dialects.errors import UserError

Write = Callable[..., Path]
MATMUL = "g (float[n,4] x) => (float[n,3] y) { [product] y = MatMul(x, w) }"
W = np.arange(12, dtype=np.float32).reshape(4, 3)


def message_of(file: Path, **dims: int) -> str:
    with pytest.raises(UserError) as error:
        read(file, dims)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{file}: ")


def saved(model: ModelProto, folder: Path) -> Path:
    (folder / "network.onnx").write_bytes(model.SerializeToString())
    return folder / "network.onnx"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an ONNX file: it has no operator set or no graph with outputs"),
        (b"plain text, and no protobuf", "not an ONNX file, or a truncated one: expected a serialized ModelProto"),
        (b"\x08\x08", "not an ONNX file: it has no operator set or no graph with outputs"),
    ],
)
def test_what_is_no_onnx_file(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "some.onnx").write_bytes(content)
    assert message_of(tmp_path / "some.onnx") == message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert message_of(tmp_path / "none.onnx") == "cannot be read: no such file or directory"
    assert message_of(tmp_path) == "cannot be read: is a directory"


def test_truncated(onnx_file: Write) -> None:
    """Wherever the file ends."""
    file = onnx_file(MATMUL, {"w": W})
    content = file.read_bytes()
    for length in range(1, len(content), 7):
        file.write_bytes(content[:length])
        assert message_of(file).startswith("not an ONNX file")


@pytest.mark.parametrize("opset", [6, NEWEST_OPSET + 1])
def test_operator_set_that_is_not_known(opset: int, onnx_file: Write) -> None:
    expected = f"opset {opset} found, 7 to {NEWEST_OPSET} expected: export it anew, or try onnx.version_converter"
    assert message_of(onnx_file(MATMUL, {"w": W}, opset=opset)) == expected


def test_no_outputs(onnx_file: Write) -> None:
    assert message_of(onnx_file("g (float[n] x) => () { y = Neg(x) }")) == (
        "not an ONNX file: it has no operator set or no graph with outputs"
    )


def test_inputs_and_outputs_that_are_no_tensors(onnx_file: Write, tmp_path: Path) -> None:
    reason = "is no tensor: programs take and give tensors only"
    file = onnx_file("g (seq(float[n]) s) => (int64 n) { n = SequenceLength(s) }")
    assert message_of(file) == f"input 's' {reason}"
    file = onnx_file("g (float[n] x) => (seq(float[n]) s) { s = SequenceConstruct(x) }")
    assert message_of(file) == f"output 's' {reason}"
    model = load_model_from_string(file.read_bytes())
    model.graph.output[0].ClearField("type")
    assert message_of(saved(model, tmp_path)) == f"output 's' {reason}"


def test_dimensions_to_fix(onnx_file: Write) -> None:
    file = onnx_file("g (float[batch,time,4] x) => (float[batch,time,4] y) { y = Neg(x) }")
    assert message_of(file, seq=3) == (
        "no input has a dimension 'seq' to fix with --dim: dynamic dimensions are batch, time"
    )
    fixed = read(file, {"time": 7}).model.graph
    for entry in (*fixed.input, *fixed.output):
        assert [d.dim_value or d.dim_param for d in entry.type.tensor_type.shape.dim] == ["batch", 7, 4]


def test_function_of_another_operator_set(onnx_file: Write) -> None:
    text = """g (float[n,4] x) => (float[n,4] y) { y = f.Inner(x) }
              <domain: "f", opset_import: ["" : 13]> Inner (a) => (b) { b = Relu(a) }"""
    assert message_of(onnx_file(text, domains=', "f" : 1')) == (
        "function 'Inner' of domain 'f' is written in another operator set than the network: expected the same "
        "version, convert it with onnx.version_converter"
    )


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (2, "has 1.074e+09 nodes once its functions are expanded, expected at most 1048576: split the network, or call "
            "functions less often"),
        (0, "function 'f0' calls itself: expected functions that come to an end"),
    ],
)  # fmt: skip
def test_functions_without_end(calls: int, expected: str, onnx_file: Write) -> None:
    """Thirty functions that call the one before twice; or two that call each other."""
    functions = ["f0 (a) => (b) { b = Abs(a) }"]
    functions += [f"f{i} (a) => (c) {{ b = f.f{i - 1}(a) c = f.f{i - 1}(b) }}" for i in range(1, 31)]
    if not calls:
        functions = ["f0 (a) => (b) { b = f.f1(a) }", "f1 (a) => (b) { b = f.f0(a) }"]
    text = " ".join(f'<domain: "f", opset_import: ["" : 17, "f" : 1]> {function}' for function in functions)
    graph = f"g (float[n,4] x) => (float[n,4] y) {{ y = f.f{len(functions) - 1}(x) }}"
    assert message_of(onnx_file(f"{graph} {text}", domains=', "f" : 1')) == expected


@pytest.mark.parametrize("what", ["input", "initializer", "output"])
def test_names_are_there_once(what: str, onnx_file: Write, tmp_path: Path) -> None:
    model = load_model_from_string(onnx_file(MATMUL, {"w": W}).read_bytes())
    entries: Any = getattr(model.graph, what)
    entries.append(entries[0])
    name = entries[0].name
    assert message_of(saved(model, tmp_path)) == f"{what} {name!r} is there more than once: expected a name for each"
    del entries[1]
    entries[0].name = ""
    assert message_of(saved(model, tmp_path)) == f"an {what} has no name: expected one for every {what}"


def test_element_types_that_onnx_does_not_have(onnx_file: Write, tmp_path: Path) -> None:
    for element in (0, 99):
        model = load_model_from_string(onnx_file(MATMUL, {"w": W}).read_bytes())
        model.graph.input[0].type.tensor_type.elem_type = element
        assert message_of(saved(model, tmp_path)) == f"input 'x' has element type {element}, which ONNX does not have"


def test_domain_in_two_versions(onnx_file: Write) -> None:
    file = onnx_file(MATMUL, {"w": W}, domains=', "ai.onnx" : 16')
    assert message_of(file) == "domain 'ai.onnx' is imported in versions 17 and 16: expected one"


def test_domain_in_no_version(onnx_file: Write) -> None:
    file = onnx_file(MATMUL, {"w": W}, domains=', "my" : -1')
    assert message_of(file) == "domain 'my' is imported in version -1: expected 0 or more"


def test_what_libraries_raise_for_a_damaged_file_is_one_line(onnx_file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(model: ModelProto, file: Path) -> None:
        raise KeyError("two\nlines " + "x" * 1000)

    monkeypatch.setattr(reader, "_inlined", damaged)
    message = message_of(onnx_file(MATMUL, {"w": W}))
    assert message.startswith("damaged, or no valid ONNX: KeyError: ")
    assert len(message) < 400


def test_external_data_of_a_constant_in_a_branch(tmp_path: Path) -> None:
    """It is as tightly confined as that of the network's own weights."""
    tensor = TensorProto(name="k", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret.bin")
    o = helper.make_tensor_value_info("o", TensorProto.FLOAT, [2])
    for body in (
        helper.make_graph([helper.make_node("Constant", [], ["o"], value=tensor)], "b", [], [o]),
        helper.make_graph([helper.make_node("Neg", ["k"], ["o"])], "b", [], [o], [tensor]),
    ):
        node = helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body)
        c, y = helper.make_tensor_value_info("c", TensorProto.BOOL, []), helper.make_tensor_value_info("y", 1, [2])
        model = helper.make_model(helper.make_graph([node], "g", [c], [y]), ir_version=8)
        (tmp_path / "model").mkdir(exist_ok=True)
        message = message_of(saved(model, tmp_path / "model"))
        assert message.startswith("initializer 'k' names external data '../secret.bin' outside the model's folder")
