"""A pass of a user's own package, as the page shows it: installed, named in both commands, and blamed when it fails."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-pass.md").read_text(encoding="utf-8")
FILES = ("reverse_arrays.py", "pyproject.toml", "reverse_arrays.mlir")

Run = Callable[..., subprocess.CompletedProcess[str]]


def block(name: str) -> str:
    """The block of the page that follows the name of a file."""
    found = re.search(rf"^`{re.escape(name)}`[^\n]*:\n\n```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, name
    return found[1]


def install(folder: Path, target: Path) -> None:
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, folder], check=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package of the page is installed, together with one whose passes are broken."""
    folder = tmp_path_factory.mktemp("package")
    for name in FILES:
        (folder / name).write_text(block(name))
    broken = folder / "broken"
    broken.mkdir()
    (broken / "pyproject.toml").write_text(
        block("pyproject.toml")
        .replace("reverse-arrays", "broken-passes", 1)
        .replace('reverse_arrays"]', 'failing"]')
        .replace(
            'reverse-arrays = "reverse_arrays:ReverseArraysPass"',
            """missing = "no_such_module:Pass"
number = "failing:NUMBER"
other = "failing:FailingPass"
failing = "failing:FailingPass"
quantize = "failing:FailingPass\"""",
        )
    )
    (broken / "failing.py").write_text(
        block("reverse_arrays.py")
        .replace("reverse-arrays", "failing")
        .replace("ReverseArrays", "Failing")
        .replace("        network =", "        raise KeyError('odd')\n        network =")
        + "\nNUMBER = 1\n"
    )
    target = folder / "target"
    install(folder, target)
    install(broken, target)
    return target


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Runs a command where the packages are installed."""

    def command(module: str, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        places = [str(installed), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "COLUMNS": "200"}
        line: Sequence[str] = [sys.executable, "-m", f"cimc.commands.{module}", *map(str, arguments)]
        done = subprocess.run(line, capture_output=True, text=True, env=environment, cwd=tmp_path)
        assert done.returncode == code, done.stderr
        return done

    return command


def test_its_lit_test(run: Run, installed: Path) -> None:
    text = block("reverse_arrays.mlir")
    printed = run("optimize", installed.parent / "reverse_arrays.mlir", "-p", "reverse-arrays").stdout
    checks = re.findall(r"// CHECK(?:-NEXT)?: +(.*)", text)
    assert len(checks) == 2
    assert [line.strip() for line in printed.splitlines() if "tile " in line] == checks


def test_a_network_goes_through_it(run: Run, onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    weight = np.random.default_rng(0).standard_normal((8, 6)).astype(np.float32)
    onnx_file("g (float[n,8] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": weight}, name="model.onnx")
    run(
        "compile_model",
        tmp_path / "model.onnx",
        "--chip",
        "tiny-4",
        *"-o a.cim --keep-ir ir --reference ref.onnx".split(),
    )
    placed = "ir/09-place-tiles.mlir"
    run("compile_model", placed, "--passes", "reverse-arrays,schedule-arrays", *"-o b.cim --verify-each".split())
    assert "check: identical" in run("run_program", "b.cim", "--check", "ref.onnx").stdout
    listings = [run("dump_program", program, "--listing").stdout for program in ("a.cim", "b.cim")]
    assert listings[0] != listings[1]


def test_help_lists_it(run: Run) -> None:
    for module in ("compile_model", "optimize"):
        assert "reverse-arrays" in run(module, "--help").stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "cannot be loaded from no_such_module:Pass: ModuleNotFoundError: No module named 'no_such_module'"),
        ("number", ": failing:NUMBER is no pass: expected a class made of xdsl.passes.ModulePass"),
        ("other", ": its class is named 'failing': expected the name of its entry point"),
        ("failing", " failed: KeyError: 'odd' (failing.py, line 20)"),
    ],
)
def test_what_is_wrong_with_it_is_one_line(name: str, message: str, run: Run, installed: Path) -> None:
    case = installed.parent / "reverse_arrays.mlir"
    for module, option in (("optimize", "-p"), ("compile_model", "--passes")):
        errors = run(module, case, option, name, "-o", "x.out", code=1).stderr.replace(f"{installed}/", "")
        prefix = f"cimc: error: pass {name} of the package broken-passes"
        assert errors.startswith(prefix) or errors.startswith(f"cimc: error: {case}: {prefix[13:]}")
        assert errors.endswith(f"{message}\n")
        assert errors.count("\n") == 1


def test_a_name_that_is_taken(run: Run, installed: Path) -> None:
    errors = run("optimize", installed.parent / "reverse_arrays.mlir", "-p", "quantize", code=1).stderr
    assert errors == (
        "cimc: error: pass quantize: there is one of this name besides that of the package broken-passes: "
        "expected another name for its entry point\n"
    )
