"""Reading IR: a module, or a note that says where it is; everything else is one line with file and place."""

from pathlib import Path

import pytest

from cimc.ir.source import is_ir, read_ir
from cimc.universe import make_context
from dialects.errors import UserError
from dialects.history import passes_done
from dialects.network import main_block

MODULE = """builtin.module attributes {cim.passes = []} {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> { func.return %x : tensor<4xf32> }
}"""
NOTE = 'builtin.module attributes {cim.unchanged_since = "a.mlir", cim.passes = ["quantize"]} {}'


def test_ir_is_known_by_its_name() -> None:
    assert is_ir(Path("a.mlir"))
    assert not is_ir(Path("mlir/a.onnx"))


def test_a_module_and_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.mlir").write_text(MODULE)
    (tmp_path / "b.mlir").write_text(NOTE)
    assert passes_done(read_ir(make_context(), tmp_path / "a.mlir")) == []
    module = read_ir(make_context(), tmp_path / "b.mlir")
    assert passes_done(module) == ["quantize"]
    assert len(main_block(module).ops) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("builtin.module {", ":1:17: "),
        ("foo.bar", ":1:8: Operation foo.bar is not registered"),
        ("", ":1:1: Could not parse entire input!"),
        ("\x00", ""),
        ("((((" * 1000, ""),
        ('"a', ""),
        (MODULE.replace("return %x", "return %y"), ": values used but not defined"),
        (MODULE.replace("-> tensor<4xf32> {", "-> tensor<5xf32> {"), ""),
        (NOTE, ": says that its IR is that of a.mlir: expected that file beside it"),
        (NOTE.replace("a.mlir", "../a.mlir"), ": says that its IR is that of ../a.mlir: expected that file beside it"),
        (NOTE.replace("a.mlir", "m.mlir"), ": says that its IR is that of m.mlir, which is such a note, too"),
        ('builtin.module attributes {w = #cim.weight_files<"../a">} {}', "expected the name of a file beside the IR"),
    ],
)
def test_what_is_no_module(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "m.mlir"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        read_ir(make_context(), file)
    assert str(error.value).startswith(str(file))
    assert message in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "m.mlir").write_bytes(b"\xff")
    for name, message in (("none.mlir", "cannot be read: no such file or directory"), ("m.mlir", "not a module")):
        with pytest.raises(UserError, match=message):
            read_ir(make_context(), tmp_path / name)
