"""`cim-eval`: what it prints and writes, where it finds the original and the tokenizer, and its mistakes."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cimc.commands import compile_model, evaluate

Write = Callable[..., Path]
Fails = Callable[..., str]
BIGRAM = """g (int64[batch,tokens] input_ids) => (float[batch,tokens,256] logits) {
    x = Gather(bytes, input_ids)
    [follow] logits = MatMul(x, table)
}"""
TEXT = "abababab" * 8
ROW = 2.0
"""How much more likely than any other byte is b after a, and a after b: e^ROW times."""


def constants() -> dict[str, np.ndarray[Any, Any]]:
    table = np.zeros((256, 256), np.float32)
    table[ord("a"), ord("b")] = table[ord("b"), ord("a")] = ROW
    return {"bytes": np.eye(256, dtype=np.float32), "table": table}


EXPECTED = (np.exp(ROW) + 255) / np.exp(ROW)
"""The perplexity of TEXT: one over the probability of each byte that comes."""


@pytest.fixture
def folder(
    onnx_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    """The current folder, with network.onnx, its program p.cim, ref.onnx and text.txt."""
    monkeypatch.chdir(tmp_path)
    onnx_file(BIGRAM, constants())
    Path("text.txt").write_text(TEXT)
    line = ["network.onnx", "--chip", "tiny-4", "-o", "p.cim", "--reference", "ref.onnx"]
    assert compile_model.main(line) == 0
    capsys.readouterr()
    return tmp_path


def lines_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """What the command prints if nothing goes wrong."""
    assert evaluate.main(["p.cim", "--text", "text.txt", *arguments]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out.splitlines()


def test_a_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(capsys, "--tokenizer", "bytes", "--reference", "ref.onnx", "--window", "16", "--json", "f.json")
    assert lines[0] == "text.txt: 4 windows of 16 tokens, 60 tokens predicted, which are 60 bytes"
    assert lines[1].split() == ["network", "perplexity", "bits", "per", "byte"]
    assert [line.split()[0] for line in lines[2:-1]] == ["program", "reference", "original"]
    assert lines[-1] == "written: f.json"
    assert lines[3].endswith("  identical to the program, bit for bit, in all windows")
    assert lines[4].split() == ["original", f"{EXPECTED:.5g}", f"{np.log2(EXPECTED):.5g}", "network.onnx"]
    figures = json.loads(Path("f.json").read_text())
    assert figures["files"] == {"program": "p.cim", "reference": "ref.onnx", "original": "network.onnx"}
    assert figures["text"] == {
        "file": "text.txt",
        "window": 16,
        "stride": 16,
        "windows": 4,
        "tokens": 60,
        "bytes": 60,
    }
    assert figures["identical"] is True
    assert figures["scores"]["original"]["perplexity"] == pytest.approx(EXPECTED)
    assert figures["scores"]["program"] == figures["scores"]["reference"]


def test_windows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ("--tokenizer", "bytes", "--no-original")
    assert lines_of(capsys, *common)[0] == ("text.txt: 1 window of 512 tokens, 63 tokens predicted, which are 63 bytes")
    assert lines_of(capsys, *common, "--window", "16", "--stride", "8", "--batch", "3")[0] == (
        "text.txt: 7 windows of 16 tokens, one every 8, 63 tokens predicted, which are 63 bytes"
    )
    assert lines_of(capsys, *common, "--window", "16", "--windows", "2")[0].startswith("text.txt: 2 windows of 16 ")
    slow = lines_of(capsys, *common, "--window", "4", "--windows", "1", "--engine", "reference")
    assert slow == lines_of(capsys, *common, "--window", "4", "--windows", "1", "--threads", "1")


def test_where_the_original_is(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here, beside the program, or where it is said to be; one that has changed is another network."""
    common = ("--tokenizer", "bytes")
    assert lines_of(capsys, *common)[-1].endswith("  network.onnx")
    missing = "not measured: the original: {}: give it with --original"
    Path("other").mkdir()
    Path("network.onnx").rename("other/network.onnx")
    here = "network.onnx is neither here nor beside the program"
    assert lines_of(capsys, *common)[-1] == missing.format(here)
    assert lines_of(capsys, *common, "--original", "other/network.onnx")[-1].endswith("  other/network.onnx")
    assert [line.split()[0] for line in lines_of(capsys, *common, "--no-original")][1:] == ["network", "program"]
    Path("network.onnx").write_bytes(Path("other/network.onnx").read_bytes() + b"\0")
    changed = "network.onnx has changed since the program was compiled from it"
    assert lines_of(capsys, *common)[-1] == missing.format(changed)
    Path("p.cim").rename("other/p.cim")
    assert evaluate.main(["other/p.cim", "--text", "text.txt", *common]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("  other/network.onnx")


def test_where_the_tokenizer_is(folder: Path, capsys: pytest.CaptureFixture[str], fails: Fails) -> None:
    """Beside the original or the program."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    assert fails("cim-eval", "p.cim", "--text", "text.txt") == (
        "no tokenizer.json lies beside the program or its original: expected --tokenizer FOLDER, or bytes for a "
        "network of bytes"
    )
    tokenizer = Tokenizer(models.WordLevel({"a": 97, "b": 98}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.save("tokenizer.json")
    assert lines_of(capsys)[0].endswith(" 63 tokens predicted, which are 63 bytes")
    Path("bad.txt").write_bytes(b"\xff")
    assert fails("cim-eval", "p.cim", "--text", "bad.txt") == "bad.txt: not text: expected UTF-8, found byte 255 at 0"


def test_another_reference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told that it differs, and where, and the exit code is 1."""
    model = onnx.load_model_from_string(Path("network.onnx").read_bytes())
    table = next(weight for weight in model.graph.initializer if weight.name == "table")
    table.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(table) * 2, "table"))
    Path("ref.onnx").write_bytes(model.SerializeToString())
    line = ["p.cim", "--text", "text.txt", "--tokenizer", "bytes", "--reference", "ref.onnx", "--json", "f.json"]
    assert evaluate.main(line) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].endswith("  differs from the program")
    assert lines[-1].startswith("check: in window 1, output logits differs in ")
    assert json.loads(Path("f.json").read_text())["identical"] is False


def test_a_bar_on_a_terminal(folder: Path) -> None:
    """And none in a pipe, as other tests see."""
    terminal, end = pty.openpty()
    line = [sys.executable, "-m", "cimc.commands.evaluate", "p.cim", "--text", "text.txt", "--tokenizer", "bytes"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([*line, "--window", "16"], stdout=subprocess.PIPE, stderr=end, env=environment) as process:
        os.close(end)
        shown = b""
        while True:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                break  # the other end is closed
        assert process.wait() == 0
        assert process.stdout is not None
        assert process.stdout.read().startswith(b"text.txt: 4 windows of 16 tokens, ")
    os.close(terminal)
    assert b"windows" in shown
    assert b"4/4" in shown


def test_tasks(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a harness finds out about each network; tests/language/quality/test_harness.py asks a real one."""
    import types

    asked: list[Any] = []

    def run_tasks(answers: Any, tasks: Any, progress: Any) -> dict[str, dict[str, float]]:
        asked.append(tasks)
        progress(0, 1)
        return {"letters": {"acc": float(answers.likelihood([97], [98])[1]), "nats": answers.likelihood([97], [98])[0]}}

    def as_given(*parts: Any) -> tuple[Any, ...]:
        return parts

    stand_in = types.SimpleNamespace(Tasks=as_given, run_tasks=run_tasks)
    monkeypatch.setitem(sys.modules, "cimc.language.quality.harness", stand_in)
    monkeypatch.setattr(util, "find_spec", str)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    line = ["p.cim", "--tasks", "letters, more", "--tokenizer", "bytes", "--limit", "3", "--shots", "0"]
    assert evaluate.main([*line, "--task-folder", "mine", "--json", "f.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["task", "metric", "program", "original"]
    assert lines[1].split() == ["letters", "acc", "1", "1"]
    assert lines[2].split()[3] == f"{-np.log(EXPECTED):.5g}"
    assert asked == [(["letters", "more"], 3, 0, Path("mine"))] * 2
    figures = json.loads(Path("f.json").read_text())
    assert figures["tasks"]["original"]["letters"]["nats"] == pytest.approx(-np.log(EXPECTED))
    assert "scores" not in figures


def test_the_harness_is_missing(folder: Path, fails: Fails, monkeypatch: pytest.MonkeyPatch) -> None:

    def missing(name: str) -> None:
        assert name == "lm_eval"

    monkeypatch.setattr(util, "find_spec", missing)
    assert fails("cim-eval", "p.cim", "--tasks", "x", "--tokenizer", "bytes") == (
        "--tasks needs lm-evaluation-harness, which is not installed: pip install lm-eval"
    )


def test_mistakes(folder: Path, network: Path, fails: Fails) -> None:
    common = ("cim-eval", "p.cim", "--tokenizer", "bytes", "--text")
    assert fails(*common, "text.txt", "--window", "8", "--stride", "9") == (
        "--stride 9: expected at most the 8 tokens of a window"
    )
    Path("short.txt").write_text("a")
    assert fails(*common, "short.txt") == "short.txt: the text has 1 tokens, too few: expected at least 2"
    assert fails(*common, "none.txt") == "none.txt: cannot be read: no such file or directory"
    assert fails(*common, "text.txt", "--json", "text.txt") == (
        "text.txt: cannot be written: it is also an input, expected another name"
    )
    assert fails(*common, "text.txt", "--reference", "text.txt").startswith(
        "text.txt: ONNX Runtime cannot run the model: "
    )


def test_programs_that_are_no_language_models(program: Path, tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    message = fails("cim-eval", program, "--text", tmp_path / "text.txt", "--tokenizer", "bytes")
    assert message.startswith(f"{program}: no language model, ")


def test_inputs_for_calibration(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are taken by the compiler, for the network that the program was made of."""
    line = ["--tokenizer", "bytes", "--window", "8", "--windows", "3", "--save-inputs", "calib.npz"]
    printed = lines_of(capsys, *line)
    assert printed == ["text.txt: 3 windows of 8 tokens as the inputs of p.cim", "written: calib.npz"]
    with np.load("calib.npz") as saved:
        assert saved["input_ids"].tolist() == [list(b"abababab")] * 3
    compiled = ["network.onnx", "--chip", "tiny-4", "-o", "q.cim", "--calibrate", "calib.npz", "--weight-bits", "4"]
    assert compile_model.main(compiled) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            ["--tasks", "piqa", "--save-inputs", "x.npz"],
            "--save-inputs: expected --text FILE, the text that the inputs",
        ),
        (["--text", "text.txt", "--save-inputs", "x.npz", "--json", "-"], "argument --json: not allowed with argument"),
    ],
)
def test_inputs_of_nothing(folder: Path, line: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        evaluate.main(["p.cim", *line])
    assert message in capsys.readouterr().err
