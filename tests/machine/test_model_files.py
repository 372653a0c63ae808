"""ONNX files that are run as they are may read their own folder only, and their functions may not explode."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, parser

from cimc.machine.check import run_reference
from cimc.machine.model_files import verify_model_file
from cimc.program.errors import ProgramError

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models" / "data").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("0123456789abcdef")
    return tmp_path / "models"


def naming(folder: Path, location: str, deep: bool) -> Path:
    """A model that takes its constant from the file `location`."""
    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[4] x) => (float[4] y) { y = Add(x, w) }'
    model = parser.parse_model(text)
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    if deep:
        value = AttributeProto(name="value", type=AttributeProto.TENSOR, t=tensor)
        model.graph.node.insert(0, NodeProto(op_type="Constant", output=["w"], attribute=[value]))
    else:
        model.graph.initializer.append(tensor)
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(
    "location",
    ["../secret.txt", "data/../../secret.txt", "link", "", "*/_ORT_MEM_ADDR_/*", "a\0b", "loop/x"],
)
def test_data_outside_of_the_folder(folder: Path, location: str, deep: bool) -> None:
    os.symlink(folder.parent / "secret.txt", folder / "link")
    os.symlink(folder / "loop", folder / "loop")
    with pytest.raises(ProgramError, match=r"^external data '.*' is outside the model's folder, which is refused$"):
        verify_model_file(naming(folder, location, deep))


def test_absolute_paths(folder: Path) -> None:
    with pytest.raises(ProgramError, match="is outside the model's folder, which is refused"):
        verify_model_file(naming(folder, str(folder.parent / "secret.txt"), False))


def test_references_are_checked(folder: Path) -> None:
    with pytest.raises(
        ProgramError, match=r"m\.onnx: .*external data '\.\./secret\.txt' is outside the model's folder"
    ):
        run_reference(naming(folder, "../secret.txt", True), {})


@pytest.mark.parametrize("location", ["w.bin", "data/w.bin", "./data/../w.bin", "none.bin"])
def test_data_in_the_folder(folder: Path, location: str) -> None:
    """Whether it is there is for ONNX Runtime to say."""
    assert verify_model_file(naming(folder, location, False))


def test_data_beside_a_file_whose_name_is_no_utf8(folder: Path) -> None:
    """ONNX Runtime gets the bytes of such a file, and would look for its data in the working directory."""
    strange = folder / os.fsdecode(b"\xff.onnx")
    naming(folder, "w.bin", True).rename(strange)
    with pytest.raises(ProgramError, match="its name is no UTF-8, which files with data beside them must have: rename"):
        run_reference(strange, {})


def test_what_is_no_onnx_is_left_to_onnx_runtime(folder: Path) -> None:
    (folder / "text.onnx").write_text("no network")
    for name in ("text.onnx", "none.onnx"):
        assert not verify_model_file(folder / name)


def calling(model: ModelProto, *names: str) -> None:
    function = model.functions.add(domain="own", name=f"f{len(model.functions)}", input=["a"], output=["b"])
    function.node.extend(NodeProto(op_type=name, domain="own", input=["a"], output=["b"]) for name in names)


def test_functions_that_explode(folder: Path) -> None:
    model = ModelProto(ir_version=8)
    for called in ("Abs", *(f"f{number}" for number in range(69))):
        calling(model, called, called)
    model.graph.node.add(op_type="f69", domain="own", input=["x"], output=["y"])
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ProgramError) as refused:
        verify_model_file(path)
    assert str(refused.value) == (
        "the model has 1.181e+21 nodes once its functions are expanded, expected at most 1048576"
    )
    calling(model, "f70")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ProgramError, match=r"^function 'f70' calls itself$"):
        verify_model_file(path)
