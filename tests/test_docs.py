"""The examples in README and docs work."""

import importlib
import json
import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from xdsl.passes import ModulePass

import cimc
from cimc.commands import (
    compile_model,
    dump_program,
    evaluate,
    export_model,
    optimize,
    report_program,
    run_program,
    sweep,
)
from cimc.hardware.library import read_chip_file
from cimc.optimizer.driver import OptimizerMain
from cimc.sweep.grid import read_grid
from passes.raise_matmul import raise_matmul

ROOT = Path(__file__).parents[1]
COMMANDS = {
    "cimc": compile_model.main,
    "cim-export": export_model.main,
    "cim-run": run_program.main,
    "cim-objdump": dump_program.main,
    "cim-report": report_program.main,
    "cim-opt": optimize.main,
    "cim-sweep": sweep.main,
    "cim-eval": evaluate.main,
}


FIGURE = re.compile(r"\d+\.\d+")
"""A number that was measured."""


def blocks(file: str, language: str) -> list[str]:
    """The fenced code blocks of a page in one language ("" for those without)."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / file).read_text(), re.DOTALL | re.MULTILINE)
    return [block for own, block in fenced if own == language]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """`model.onnx` in the current folder, and an input `x` for it."""
    monkeypatch.chdir(tmp_path)
    weight = np.random.default_rng(0).standard_normal((8, 6)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="multiply")],
        "example",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 6])],
        [numpy_helper.from_array(weight, "w")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    Path("model.onnx").write_bytes(proto.SerializeToString())
    assert onnx.load_model_from_string(Path("model.onnx").read_bytes()).graph.node[0].name == "multiply"
    return np.random.default_rng(1).standard_normal((3, 8)).astype(np.float32)


def test_commands_of_the_readme(model: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    block = next(b for b in blocks("README.md", "") if b.startswith("cimc "))
    Path("grid.toml").write_text('chip = ["tiny-4"]\n[pareto]\nminimize = ["latency_ns.parameter", "arrays"]')
    for line in block.splitlines():
        name, *arguments = shlex.split(re.sub(r" {2,}.*", "", line))
        assert COMMANDS[name](arguments) == 0, line
    assert "check: identical, " in capsys.readouterr().out


def test_commands_of_the_machine_page(model: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_model.main(["model.onnx", "-o", "prog.cim", "--reference", "ref.onnx"]) == 0
    for line in blocks("docs/machine.md", "")[0].splitlines():
        name, *arguments = shlex.split(re.sub(r" {2,}.*", "", line))
        assert COMMANDS[name](arguments) == 0, line
    printed = capsys.readouterr().out
    assert "check: identical, " in printed
    assert "spot check: 1 of 1 MULTIPLY records" in printed
    assert "profile: " in printed


def test_commands_of_the_commands_page(model: np.ndarray, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """What goes to standard output is what the page says; then the views of a program."""
    streams, chips, views = blocks("docs/commands.md", "")
    beginnings: dict[str, bytes] = {}
    for line in streams.splitlines():
        name, *arguments = shlex.split(re.sub(r" [|>] .*", "", line))
        capfdbinary.readouterr()
        assert COMMANDS[name](arguments) == 0, line
        beginnings[name] = capfdbinary.readouterr().out
        if name == "cimc":
            Path("prog.cim").write_bytes(beginnings[name])
    assert json.loads(beginnings["cim-report"])["program"] == "prog"
    assert beginnings["cim-run"].startswith(b"PK")
    assert onnx.load_model_from_string(beginnings["cim-objdump"]).graph.node
    for line in [*chips.splitlines(), *views.splitlines()]:
        name, *arguments = shlex.split(re.sub(r" {2,}.*", "", line))
        assert COMMANDS[name](arguments) == 0, line
    assert len(json.loads(Path("listing.json").read_text())["records"]) > 3
    assert onnx.load_model_from_string(Path("kernel.onnx").read_bytes()).graph.node


def test_the_commands_to_complete() -> None:
    """All that are installed, in every shell."""
    scripts = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"])
    for shell in ("bash", "fish"):
        block = blocks("docs/commands.md", shell)[-1]
        assert set(re.findall(r"\bcim[\w-]*", block.partition("register-python-argcomplete")[2])) == scripts


def test_report_pages(model: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    for line in blocks("docs/report-page.md", "")[0].splitlines():
        name, *arguments = shlex.split(re.sub(r" {2,}.*", "", line))
        assert COMMANDS[name](arguments) == 0, line
    pages = {name: Path(name).read_text(encoding="utf-8") for name in ("report.html", "comparison.html")}
    assert Path("figures/occupancy.png").exists()
    assert Path("trace.json").exists()
    assert [report["program"] for report in json.loads(Path("reports.json").read_text())] == ["spread", "linear"]
    (block,) = blocks("docs/report-page.md", "python")
    exec(block, {})
    assert "<title>model.onnx: cimc report</title>" in pages["report.html"]
    assert '<th class="number">linear</th>' in Path("comparison.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "page"), [("page", "README.md"), ("occupancy", "docs/report-page.md")])
def test_pictures(name: str, page: str) -> None:
    """`make pictures` draws them."""
    assert f"pictures/{name}.png)" in (ROOT / page).read_text("utf-8")
    picture = (ROOT / "docs" / "pictures" / f"{name}.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(picture) < 250_000


def test_python_of_the_readme(model: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("README.md", "python")
    exec(block, {})
    check, *report = capsys.readouterr().out.splitlines()
    assert check.startswith("check: identical, ")
    assert report[1].startswith("arrays        1 of 4 crossbars (spread mapping")


def test_pass_of_the_docs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, case = blocks("docs/add-a-pass.md", "python")[0], blocks("docs/add-a-pass.md", "mlir")[0]
    names: dict[str, object] = {"__name__": "cancel_transposes"}
    exec(compile(source, "cancel_transposes.py", "exec", dont_inherit=True), names)
    found = names["CancelTransposesPass"]
    assert isinstance(found, type)
    assert issubclass(found, ModulePass)

    class WithThePass(OptimizerMain):
        def register_all_passes(self) -> None:
            super().register_all_passes()
            self.register_pass(found.name, lambda: found)

    file = tmp_path / "case.mlir"
    file.write_text(case)
    WithThePass("", [str(file), "-p", found.name, "--verify-each"]).run()
    printed = capsys.readouterr().out
    assert '%used = cim.digital "Relu"(%x)' in printed
    assert "Transpose" not in printed


def test_operator_of_the_docs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (source,), (before, after) = (blocks("docs/add-an-operator.md", language) for language in ("python", "mlir"))
    names: dict[str, object] = {"__name__": "fourier_transforms"}
    exec(compile(source, "fourier_transforms.py", "exec", dont_inherit=True), names)
    monkeypatch.setattr(raise_matmul, "FLOAT_RULES", (*raise_matmul.FLOAT_RULES, names["RaiseDFT"]))
    kind, result = "tensor<?x8x1xf32>", "tensor<?x8x2xf32>"
    file = tmp_path / "case.mlir"
    file.write_text(f"""
      func.func @main(%x: {kind}) -> {result} {{
        {before}
        func.return %y : {result}
      }}""")
    assert optimize.main([str(file), "-p", "raise-matmul", "--verify-each"]) == 0
    printed = capsys.readouterr().out
    assert all(line in printed for line in after.splitlines())


def test_schedule_of_the_docs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The pass writes what the page says, and the checker of the machine agrees with it."""
    example, result = blocks("docs/schedules.md", "mlir")
    file = tmp_path / "example.mlir"
    file.write_text(example)
    optimize.main([str(file), "-p", "schedule-arrays", "--verify-each"])
    printed = capsys.readouterr().out
    assert result.startswith("%a, %b, %c = array.stage")
    names = dict(re.findall(r"^(!\w+) = (.*)$", printed, re.MULTILINE))
    printed = re.sub(r"!\w+", lambda name: names.get(name[0], name[0]), printed)
    assert " ".join(result.split()) in " ".join(printed.split())


def test_chip_of_the_docs(model: np.ndarray) -> None:
    """It is legal, every value has its source, and a program for it has all figures."""
    Path("my.toml").write_text(blocks("docs/add-a-chip.md", "toml")[0])
    file = read_chip_file("my.toml")
    assert (file.chip.chip_name, file.chip.rows, file.chip.columns, file.chip.arrays) == ("my", 64, 128, 4096)
    assert set(file.sources) == set(file.chip.to_dict()) - {"name"}
    report = cimc.compile("model.onnx", chip="my.toml").report()
    assert report.notes == ()
    assert None not in (*report.energy_pj.values(), *report.latency_ns.values(), report.area_um2)


def test_cost_model_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worked example holds; it checks every figure itself."""
    monkeypatch.chdir(tmp_path)
    (block,) = blocks("docs/cost-model.md", "python")
    assert block.count("assert ") >= 6
    exec(block, {})


def test_sweep_of_the_docs(model: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    """The command with the grid, then both pieces of Python on what it wrote."""
    Path("grid.toml").write_text(blocks("docs/sweeps.md", "toml")[0])
    name, *arguments = shlex.split(blocks("docs/sweeps.md", "")[0])
    assert COMMANDS[name](arguments) == 0
    printed = capsys.readouterr().out
    assert "48 points (2 chip, 2 mapping, 2 monarch, 3 chip.adcs, 2 chip.size): 48 finished, 0 failed" in printed
    for block in blocks("docs/sweeps.md", "python"):
        exec(block, {"__name__": "__main__"})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 49
    assert lines[0].startswith("spread 1 ")
    assert 0 < float(lines[48]) <= 1


def test_quality_of_the_docs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands print what the page says, and its Python runs on what they wrote; so does the grid of sweeps."""
    monkeypatch.chdir(tmp_path)
    examples = ROOT / "examples" / "monarch_lm"
    Path("monarch_lm.onnx").write_bytes((examples / "monarch_lm.onnx").read_bytes())
    Path("text.txt").write_bytes((examples / "validation_excerpt.txt").read_bytes()[:512])
    compiling, evaluating = next(b for b in blocks("docs/language-models.md", "") if "cim-eval" in b).splitlines()
    for line in (compiling, evaluating):
        capsys.readouterr()
        name, *arguments = shlex.split(line)
        assert COMMANDS[name](arguments) == 0, line
    printed, page = capsys.readouterr().out.split(), (ROOT / "docs/language-models.md").read_text()
    shown = page[page.index("    text.txt: ") :].split()[: len(printed)]
    assert [FIGURE.sub("", word) for word in printed] == [FIGURE.sub("", word) for word in shown]
    figures, expected = ([float(word) for word in words if FIGURE.fullmatch(word)] for words in (printed, shown))
    assert len(figures) == 6
    assert figures == pytest.approx(expected, rel=1e-3)  # floats, and so what is quantised, depend on the processor
    exec(next(b for b in blocks("docs/language-models.md", "python") if "evaluate(" in b), {})
    assert len(capsys.readouterr().out.split()) == 2
    Path("grid.toml").write_text(next(b for b in blocks("docs/sweeps.md", "toml") if "[quality]" in b))
    grid = read_grid(Path("grid.toml"))
    assert grid.quality is not None
    assert (grid.quality.window, grid.quality.windows, len(grid.axes["activations"])) == (64, 8, 2)


def test_pages_link_to_files_that_exist() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_files_that_pages_name_exist() -> None:
    """Those in folders of ours; pages about adding something name files that their reader makes."""
    folders = "cimc|passes|dialects|tests|lit|docs|examples"
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for name in re.findall(rf"`((?:{folders})/[\w./*-]*)`(?!:\n\n```)", page.read_text("utf-8")):
            if "cancel_transposes" not in name:
                assert list(ROOT.glob(name)), f"{page.name} names {name}"


def test_structure_of_the_docs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The language reads it: two factors with a permutation between them, the second with an order of its columns."""
    (block,) = blocks("docs/structure.md", "mlir")
    weights, operations = block.split("%first = ", 1)
    file = tmp_path / "structure.mlir"
    file.write_text(f"""
      {weights}
      cim.weight @up.order = dense<{list(range(1024))}> : tensor<1024xi64>
      cim.weight @up.middle = dense<{list(range(256))}> : tensor<256xi64>
      func.func @main(%x: tensor<?x256xf32>) -> tensor<?x1024xf32> {{
        %first = {operations}
        func.return %y : tensor<?x1024xf32>
      }}""")
    assert optimize.main([str(file)]) == 0
    printed = capsys.readouterr().out
    assert all(line in printed for line in block.splitlines())


def test_bounds_of_the_security_page() -> None:
    """They are those of the code."""
    rows = re.findall(r"\| ([\d,]+)[^|`]* \| `(\w+)` in `([\w/]+)\.py` \|", (ROOT / "docs/security.md").read_text())
    rows += re.findall(r"\| (\d+) s[^|]* \| `(\w+)` in `([\w/]+)\.py` \|", (ROOT / "docs/security.md").read_text())
    assert len(set(rows)) == 14
    for number, name, module in rows:
        found = getattr(importlib.import_module(module.replace("/", ".")), name)
        assert found == int(number.replace(",", "")), name
