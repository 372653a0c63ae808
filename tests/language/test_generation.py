"""`cim-run --generate`, as users meet it."""

import io
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

import cimc
from cimc.commands import compile_model, run_program
from cimc.language.session import Session
from cimc.language.shown_text import shown_text
from cimc.language.tokens import load_tokens

Model = Callable[..., Path]
Folder = Callable[..., Path]
Run = Callable[..., tuple[int, str, list[str]]]
TEMPLATE = "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
SPEED = r"read [\d,]+ tokens in [\d.]+ s \([\d.,]+ a second\), wrote \d+( in [\d.]+ s \([\d.,]+ a second\))?"
CHIP = (
    r"on tiny-4: [\d.,]+ \w+ and [\d.,]+ \w+ a token after \d+ \([\d.,]+ a second\), the prompt of \d+ in [\d.,]+ \w+"
)


@pytest.fixture
def compiled_model(language_model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Path]:
    """Compiles the network with so many tokens to p.cim, with its reference ref.onnx."""

    def compile_(vocabulary: int, *options: str, change: Callable[[ModelProto], None] | None = None) -> Path:
        program, reference = tmp_path / "p.cim", tmp_path / "ref.onnx"
        arguments = [str(language_model(vocabulary, change=change)), "--chip", "tiny-4", "-o", str(program)]
        assert compile_model.main([*arguments, "--reference", str(reference), *options]) == 0
        capsys.readouterr()
        return program

    return compile_


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, standard output, and lines of standard error of cim-run."""

    def call(*arguments: str | Path) -> tuple[int, str, list[str]]:
        code = run_program.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err.splitlines()

    return call


def answer(program: Path, tokenizer: str | Path, prompt: str, most: int, *, chat: bool = False) -> str:
    """What the network writes, decoded at once."""
    tokens = load_tokens(tokenizer)
    ids = tokens.encode(prompt, chat=chat)
    stream = tokens.stream(ids)
    written = Session(cimc.Program.load(program)).generate(ids, max_tokens=most, stop=tokens.stop)
    return "".join([*(stream.step(token) for token in written), stream.end()])


def test_words(compiled_model: Callable[..., Path], tokenizer_folder: Folder, run: Run, tmp_path: Path) -> None:
    """Text alone on standard output; with the chat template or without; each step checked."""
    program, folder = compiled_model(300), tokenizer_folder(chat_template_jinja=TEMPLATE)
    for chat in (True, False):
        options = [] if chat else ["--no-template"]
        code, out, err = run(program, "--generate", "the cat", "--tokenizer", folder, "--max-tokens", "9", *options)
        assert (code, out) == (0, answer(program, folder, "the cat", 9, chat=chat) + "\n")
        assert err[0] == "ended after 9 tokens: --max-tokens"
        assert re.fullmatch(SPEED, err[1])
        assert re.fullmatch(CHIP, err[2])
        assert len(err) == 3
    code, checked, _ = run(
        program, "--generate", "the cat", "--tokenizer", folder, "--max-tokens", "9", "--no-template", "--check",
        tmp_path / "ref.onnx",
    )  # fmt: skip
    assert (code, checked.removeprefix(out).split(", ")[0]) == (0, "check: identical")
    assert checked.endswith(" values in 3 outputs over 9 steps\n")


def test_bytes_from_standard_input(
    compiled_model: Callable[..., Path], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = compiled_model(256)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("né\n".encode()), encoding="ascii"))
    code, out, err = run(program, "--generate", "-", "--tokenizer", "bytes", "--max-tokens", "20")
    expected = answer(program, "bytes", "né", 20)
    assert (code, out.count("\ufffd")) == (0, expected.count("\ufffd"))
    assert err[1].startswith("read 3 tokens")


def test_drawing(compiled_model: Callable[..., Path], run: Run) -> None:
    program = compiled_model(256)
    options = ("--generate", "a", "--tokenizer", "bytes", "--temperature", "2", "--top-p", "0.9", "--seed")
    drawn = [run(program, *options, seed)[1] for seed in ("1", "1", "2")]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_difference(compiled_model: Callable[..., Path], run: Run, tmp_path: Path) -> None:
    """The first step that differs ends the text."""
    compiled_model(256)
    other = tmp_path / "other.cim"
    compile_model.main([str(tmp_path / "model.onnx"), "--chip", "tiny-4", "-o", str(other), "--activations", "tensor"])
    code, out, err = run(
        other, "--generate", "abc", "--tokenizer", "bytes", "--max-tokens", "5", "--check", tmp_path / "ref.onnx"
    )
    assert code == 1
    assert out.splitlines()[-1].startswith("check: step 1: output logits differs in ")
    assert err == []


def test_the_end_of_a_text(compiled_model: Callable[..., Path], tokenizer_folder: Folder, run: Run) -> None:
    """The network says that it is done, with a token that is not shown."""
    program, folder = compiled_model(300), tokenizer_folder()
    ids = load_tokens(folder).encode("the cat")
    written = list(Session(cimc.Program.load(program)).generate(ids, max_tokens=9))
    end = written[-1]
    ended = tokenizer_folder(generation_config_json={"eos_token_id": [end]})
    code, out, err = run(program, "--generate", "the cat", "--tokenizer", ended)
    assert (code, out) == (0, answer(program, ended, "the cat", 9) + "\n")
    assert f"wrote {written.index(end)} in" in err[0]


def test_no_more_positions(compiled_model: Callable[..., Path], tokenizer_folder: Folder, run: Run) -> None:
    """The network's table has 96; its folder may say less."""
    program = compiled_model(300)
    ids = load_tokens(tokenizer_folder()).encode("the cat")
    folder = tokenizer_folder(config_json={"max_position_embeddings": len(ids) + 4})
    _, _, err = run(program, "--generate", "the cat", "--tokenizer", folder)
    assert err[0] == "ended after 5 tokens: the network has positions for no more"
    program = compiled_model(256)
    _, _, err = run(program, "--generate", "x" * 90, "--tokenizer", "bytes")
    assert err[0] == "ended after 7 tokens: the network has positions for no more"


def test_without_a_cache(compiled_model: Callable[..., Path], run: Run, tmp_path: Path) -> None:
    """Everything is run anew, which is said once."""

    def change(model: ModelProto) -> None:
        model.graph.initializer.append(helper.make_tensor("empty", TensorProto.INT64, [4], [1, 2, 0, 4]))
        for name in ("past_key_0", "past_value_0"):
            model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["empty"], [name]))
        del model.graph.input[3:], model.graph.output[1:]

    expected = answer(compiled_model(256), "bytes", "abc", 6)
    program = compiled_model(256, change=change)
    code, out, err = run(
        program, "--generate", "abc", "--tokenizer", "bytes", "--max-tokens", "6", "--check", tmp_path / "ref.onnx"
    )
    assert (code, out.splitlines()[-1].split(", ")[0]) == (0, "check: identical")
    assert out.startswith(shown_text(expected))
    assert err.count("the network has no cache: for each token everything before it is run anew") == 1


def test_engines_profile_and_spot_check(compiled_model: Callable[..., Path], run: Run) -> None:
    program = compiled_model(256)
    options = ("--generate", "abc", "--tokenizer", "bytes", "--max-tokens", "3")
    code, out, err = run(program, *options, "--profile", "--spot-check", "50")
    assert code == 0
    assert any(line.startswith("spot check: ") for line in err)
    assert err[err.index("the last step:") + 1].startswith("profile: ")
    assert run(program, *options, "--engine", "reference")[:2] == (0, out)


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """The one line with which cim-run ends."""

    def call(*arguments: str | Path) -> str:
        code, out, err = run(*arguments)
        assert (code, out, len(err)) == (2 if "--check" in arguments else 1, "", 1)
        return err[0].removeprefix("cimc: error: ")

    return call


def test_mistakes(
    compiled_model: Callable[..., Path], tokenizer_folder: Folder, refused: Callable[..., str], tmp_path: Path
) -> None:
    program, folder = compiled_model(256), tokenizer_folder()
    assert refused(program, "--generate", "a", "--tokenizer", folder) == (
        f"{folder}: the tokenizer has 300 tokens, {program} has logits for 256: expected the tokenizer of the same "
        "model"
    )
    assert refused(program, "--generate", "", "--tokenizer", "bytes") == "the prompt is empty: expected some text"
    assert refused(program, "--generate", "x" * 97, "--tokenizer", "bytes") == (
        "the prompt has 97 tokens, the network takes 96: expected a shorter one"
    )
    missing = refused(program, "--generate", "a", "--tokenizer", tmp_path / "none")
    assert missing.startswith(f"{tmp_path}/none: cannot be read: no such file or directory, ")
    missing = refused(program, "--generate", "a", "--tokenizer", "bytes", "--check", tmp_path / "none.onnx")
    assert missing == f"{tmp_path}/none.onnx: cannot be read: no such file or directory"


def test_no_language_model(onnx_file: Callable[..., Path], refused: Callable[..., str], tmp_path: Path) -> None:
    weight = np.ones((4, 6), np.float32)
    cimc.compile(onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": weight})).save(
        tmp_path / "p.cim"
    )
    line = refused(tmp_path / "p.cim", "--generate", "a", "--tokenizer", "bytes")
    assert line.startswith(f"{tmp_path}/p.cim: no language model, token ids or logits are missing: expected inputs ")
    assert line.endswith("; found inputs x float32 [n, 4]; outputs y float32 [n, 6]")


def test_standard_input_that_is_no_text(
    compiled_model: Callable[..., Path], refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = compiled_model(256)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    assert refused(program, "--generate", "-", "--tokenizer", "bytes") == "standard input: not text, expected UTF-8"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--generate", "a"],
            "argument --generate: how its tokens are written is not known, expected --tokenizer FOLDER",
        ),
        (["--tokenizer", "a"], "argument --tokenizer: there is nothing to write, expected --generate PROMPT"),
        (
            ["--generate", "a", "--tokenizer", "bytes", "--dim", "n=3"],
            "argument --dim: not allowed with argument --generate",
        ),
        (
            ["--generate", "a", "--tokenizer", "bytes", "--inputs", "x.npz"],
            "argument --inputs: not allowed with argument --generate",
        ),
        (
            ["--generate", "a", "--tokenizer", "bytes", "--outputs", "x.npz"],
            "argument --outputs: not allowed with argument --generate",
        ),
        (["--top-p", "0"], "argument --top-p: '0': expected a number above 0, at most 1"),
    ],
)
def test_wrong_command_lines(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run_program.main(["p.cim", *arguments])
    assert stop.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"cim-run: error: {message}"


def test_commands_of_the_page(
    compiled_model: Callable[..., Path],
    tokenizer_folder: Folder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Those of docs/language-models.md, with another model of the same name."""
    compiled_model(300).rename(tmp_path / "smol.cim")
    tokenizer_folder(chat_template_jinja=TEMPLATE).rename(tmp_path / "smol")
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "language-models.md").read_text("utf-8")
    section = page[page.index("## Words") : page.index("## Quality")]
    block = re.findall(r"^```\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)[0]
    for line in block.splitlines():
        name, *arguments = shlex.split(line.partition(" < ")[0])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"the cat")))
        assert name == "cim-run"
        assert run_program.main([*arguments, "--max-tokens", "4"]) == 0
    assert "check: identical, " in capsys.readouterr().out


def test_python_of_the_page(
    language_model: Model, tokenizer_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cimc.compile(language_model(300)).save(tmp_path / "smol.cim")
    tokenizer_folder(chat_template_jinja=TEMPLATE).rename(tmp_path / "smol")
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "language-models.md").read_text("utf-8")
    section = page[page.index("## Words") : page.index("## Quality")]
    (block,) = re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    made: dict[str, Any] = {}
    exec(block, made)
    whole = list(made["program"].generate(made["prompt"], max_tokens=20))
    assert made["first"] + made["more"] == whole


def test_weights_that_pass_through_the_chip(
    compiled_model: Callable[..., Path], tokenizer_folder: Folder, run: Run, tmp_path: Path
) -> None:
    """On half of the arrays, the same words, each step checked; all tokens of the prompt share its loads."""
    folder, given = tokenizer_folder(), ("--generate", "the cat", "--max-tokens", "6", "--no-template")
    whole = compiled_model(300)
    arrays = len(cimc.Program.load(whole).arrays)
    expected = answer(whole, folder, "the cat", 6)
    program = compiled_model(300, "--arrays", str(arrays // 2), "--reload")
    code, out, err = run(program, *given, "--tokenizer", folder, "--check", tmp_path / "ref.onnx")
    text, check = out.removesuffix("\n").rsplit("\n", 1)
    assert (code, text) == (0, expected)
    assert check.startswith("check: identical")
    assert any(re.fullmatch(CHIP, line) for line in err)
