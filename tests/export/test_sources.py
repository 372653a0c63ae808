"""A folder in the place of an ONNX file: from a small checkpoint to a program, as a user does it."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import cimc
from cimc.commands import export_model
from cimc.compiler import default_output as default_program
from cimc.export.sources import default_output, is_exported
from dialects.errors import UserError

MAKE = """
import sys
from transformers import GPT2Config, GPT2LMHeadModel
config = GPT2Config(vocab_size=64, n_embd=32, n_layer=1, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=0)
GPT2LMHeadModel(config).save_pretrained(sys.argv[1])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-1.5"
    subprocess.run([sys.executable, "-W", "ignore", "-c", MAKE, folder], capture_output=True, check=True)
    return folder


def test_a_folder_is_compiled(folder: Path, tmp_path: Path) -> None:
    """The program knows the network's name; the network itself is gone, and so is all that was written beside."""
    program = cimc.compile(folder)
    assert program.source.file == "tiny-1.5.onnx"
    assert [value.name for value in program.outputs] == ["logits", "present.0.key", "present.0.value"]
    assert program.report().latency_ns["total"] is not None
    program.save(tmp_path / "program.cim")
    assert cimc.Program.load(tmp_path / "program.cim").inputs == program.inputs
    assert sorted(file.name for file in folder.parent.iterdir()) == ["tiny-1.5"]


def test_a_broken_checkpoint(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What libraries say of it is one line, with the folder."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_bytes((folder / "config.json").read_bytes())
    (broken / "model.safetensors").write_bytes(b"12345678")
    assert export_model.main([str(broken), "-o", str(tmp_path / "b.onnx")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"cimc: error: {broken}: cannot be exported: ")
    assert [file.name for file in tmp_path.iterdir()] == ["broken"]


def test_outputs_by_default(tmp_path: Path) -> None:
    """A folder's name may have dots, of which none begins a suffix."""
    (tmp_path / "model-1.7B").mkdir()
    assert default_output(tmp_path / "model-1.7B") == Path("model-1.7B.onnx")
    assert default_program(tmp_path / "model-1.7B") == Path("model-1.7B.cim")
    assert default_output(tmp_path / "net.pt2") == Path("net.onnx")
    with pytest.raises(UserError, match=r"^/: not the name of a folder or a file$"):
        default_output(Path("/"))


def test_what_is_exported(tmp_path: Path) -> None:
    assert is_exported(tmp_path)
    assert is_exported(tmp_path / "net.pt2")
    assert not is_exported(tmp_path / "net.onnx")


def test_the_checkpoint_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = import_module("cimc.commands.compile_model"), export_model
    (tmp_path / "config.json").write_text("{}")
    for command in commands:
        assert command.main([str(tmp_path), "-o", str(tmp_path / "config.json")]) == 1
        assert capsys.readouterr().err.endswith(
            "config.json: cannot be written: it is also an input, expected another name\n"
        )
