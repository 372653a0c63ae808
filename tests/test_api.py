"""The Python interface: compile, save, load, run, write, report."""

import subprocess
import sys
from collections.abc import Callable
from inspect import Parameter, signature
from pathlib import Path

import numpy as np
import pytest

import cimc
from cimc.machine.check import compare, run_reference
from cimc.options.compilation import UserOptions

Write = Callable[..., Path]
W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


@pytest.fixture
def network(onnx_file: Write) -> Path:
    return onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": W})


def test_from_a_network_to_a_checked_answer(network: Path, tmp_path: Path) -> None:
    program = cimc.compile(network, chip="tiny-4", mapping="linear", reference=tmp_path / "r.onnx", arrays=2)
    program.save(tmp_path / "p.cim")
    inputs = {"x": np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)}
    expected = run_reference(tmp_path / "r.onnx", inputs)
    for one in (program, cimc.Program.load(tmp_path / "p.cim")):
        assert isinstance(one, cimc.Program)
        assert compare(one.run(inputs), expected).identical
        assert compare(one.run(inputs, engine="reference"), expected).identical
        assert one.report().arrays == 2


def test_words() -> None:
    """A language model writes; a session goes on where it was, with kernels and cache kept."""
    program = cimc.compile(Path(__file__).parents[1] / "examples" / "monarch_lm" / "monarch_lm.onnx")
    prompt = list(b"The function returns ")
    written = list(program.generate(prompt, max_tokens=6))
    session = cimc.Session(program)
    begun = list(session.generate(prompt, max_tokens=4))
    assert begun + list(session.generate(begun[-1:], max_tokens=2)) == written
    assert bytes(written).isascii()
    drawn = [list(program.generate(prompt, max_tokens=6, temperature=3.0, top_p=0.9, seed=seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert list(program.generate(prompt, max_tokens=6, stop=written[2:3])) == written[: written.index(written[2])]


def test_pages(network: Path, tmp_path: Path) -> None:
    """Of one program, and of two side by side."""
    linear, spread = (cimc.compile(network, chip="tiny-4", mapping=mapping) for mapping in ("linear", "spread"))
    linear.save_page(tmp_path / "r.html")
    alone = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<title>network.onnx: cimc report</title>" in alone
    linear.save_page(tmp_path / "r.html", beside={"network": spread})
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert '<th class="number">network, linear</th>' in page
    assert '<th class="number">network</th>' in page


def test_all_options(network: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.ones((2, 4), np.float32))
    program = cimc.compile(
        str(network),
        chip="tiny-4",
        dims={"n": 2},
        activations="static",
        calibrate=tmp_path / "x.npz",
        keep_ir=tmp_path / "ir",
        verify_each=True,
    )
    assert program.inputs[0].shape == (2, 4)
    assert (tmp_path / "ir" / "00-import.mlir").exists()


def test_mistakes(network: Path, tmp_path: Path) -> None:
    with pytest.raises(cimc.UserError, match=r"mapping square is unknown"):
        cimc.compile(network, mapping="square")
    with pytest.raises(cimc.UserError, match=r"activations=word is unknown: expected one of token, tensor, static"):
        cimc.compile(network, activations="word")
    with pytest.raises(cimc.ProgramError, match=r"none.cim: cannot be read: no such file or directory"):
        cimc.Program.load(tmp_path / "none.cim")
    program = cimc.compile(network)
    with pytest.raises(cimc.ProgramError, match=r"input x is missing, the program takes x"):
        program.run({})


def test_parameters_are_the_options() -> None:
    parameters = signature(cimc.compile).parameters
    model, *options = parameters.values()
    assert (model.name, model.kind) == ("model", Parameter.POSITIONAL_OR_KEYWORD)
    assert {one.name: one.default for one in options} == {**vars(UserOptions()), "measure": False}
    assert {one.kind for one in options} == {Parameter.KEYWORD_ONLY}
    assert signature(cimc.compile).return_annotation is cimc.Program
    assert parameters["lossy"].annotation is int
    lines = (cimc.compile.__doc__ or "").splitlines()
    assert "mapping: how tiles are placed (default: spread)" in lines
    assert {one.name for one in options} <= {line.partition(":")[0] for line in lines}
    with pytest.raises(TypeError, match="unexpected keyword argument 'texts'"):
        getattr(cimc, "compile")("x.onnx", texts=True)


def test_names() -> None:
    assert {"Program", "ProgramError", "UserError", "compile"} <= set(cimc.__all__)
    with pytest.raises(AttributeError, match="module 'cimc' has no attribute 'decompile'"):
        _ = cimc.__getattr__("decompile")


def test_running_a_program_imports_no_compiler() -> None:
    """It would take longer than to load most programs."""
    code = "import sys, cimc; cimc.Program, cimc.Session; print({'xdsl', 'cimc.compiler'} & {*sys.modules})"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert answer.stdout == "set()\n"
