"""The IR of a program by pass, made when it is read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cimc
from cimc.compiler import Options, compile_network
from cimc.pass_driver.pipeline import PIPELINE

Write = Callable[..., Path]
W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


@pytest.fixture
def network(onnx_file: Write) -> Path:
    return onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": W})


def test_it_is_what_the_command_keeps(network: Path, tmp_path: Path) -> None:
    program = cimc.compile(network, chip="tiny-4")
    assert repr(program.ir) == "<IR after each pass: compiled once more when it is read>"
    compile_network(network, Options(chip="tiny-4", keep_ir=tmp_path / "ir"))
    files = sorted((tmp_path / "ir").glob("*.mlir"))
    kept = {file.stem: file.read_text() for file in files}
    notes = {name for name, text in kept.items() if text.startswith("// unchanged: ")}
    assert {"01-fold-constants", "06-fold-constants"} <= notes
    assert [name for name in kept if program.ir[name] != kept[name]] == sorted(notes)
    assert program.ir["01-fold-constants"] == kept["00-import"]  # not the note, but what it is a note of
    assert "10-schedule-arrays" in repr(program.ir)


def test_names(network: Path) -> None:
    ir = cimc.compile(network.read_bytes()).ir
    assert ir["fold-constants"] == ir["06-fold-constants"] != ir["01-fold-constants"]
    assert ir["import"] == ir["00-import"]
    assert "quantize" in ir
    assert "05-quantize" in ir
    assert "dequantize" not in ir
    assert len(ir) > len(PIPELINE) - 2
    with pytest.raises(cimc.UserError, match=r"^there is no IR 'dequantize': expected one of 00-import, 01-fold-"):
        _ = ir["dequantize"]


def test_a_model_that_has_changed(network: Path, onnx_file: Write) -> None:
    program = cimc.compile(network)
    onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": 2 * W})
    with pytest.raises(cimc.UserError, match=r"network.onnx has changed since it was compiled: compile it again"):
        list(program.ir)


def test_a_program_from_a_file(network: Path, tmp_path: Path) -> None:
    cimc.compile(network).save(tmp_path / "p.cim")
    ir = cimc.Program.load(tmp_path / "p.cim").ir
    assert repr(ir).startswith("<IR: a program from a file has no IR: compile its model with cimc.compile")
    for look in (list, len):
        with pytest.raises(cimc.UserError, match=r"^a program from a file has no IR: compile its model"):
            look(ir)
