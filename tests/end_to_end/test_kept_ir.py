"""`--keep-ir`: every file parses back, and the passes that follow can be run again on it with the same result."""

import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cimc.commands import compile_model, optimize


@pytest.fixture
def kept(onnx_file: Callable[..., Path], tmp_path: Path) -> Path:
    """The IR after every pass of a network with a multiplication of each kind, in `ir`."""
    generator = np.random.default_rng(0)
    constants = {
        "w": generator.standard_normal((4, 6)).astype(np.float32),
        "v": generator.integers(-128, 128, (6, 40)).astype(np.int8),
        "scale": generator.uniform(0.1, 1, (1, 40)).astype(np.float32),
    }
    text = """g (float[n,4] x) => (float[n,40] y, float[n,40] z) {
        [first_MatMul] h = MatMul(x, w)  c = Cast<to=1>(v)  f = Mul(c, scale)  [second_MatMul] y = MatMul(h, f)
        q, s, p = DynamicQuantizeLinear(h)  [third_MatMulInteger] i = MatMulInteger(q, v, p)  z = Cast<to=1>(i)
    }"""
    folder = tmp_path / "ir"
    arguments = ["--chip", "tiny-4", "--keep-ir", str(folder), "-o", str(tmp_path / "p.cim"), "--verify-each"]
    assert compile_model.main([str(onnx_file(text, constants)), *arguments]) == 0
    return folder


def passes_of(folder: Path) -> list[tuple[str, Path]]:
    """The name of the pass and the file, in order."""
    return [(path.stem.partition("-")[2], path) for path in sorted(folder.glob("*.mlir"))]


def optimized(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The text that `cim-opt` prints, without the names of the files of its weights."""
    capsys.readouterr()
    assert optimize.main([*arguments, "--print-debuginfo"]) == 0
    return without_files(capsys.readouterr().out.rstrip() + "\n")


def without_files(text: str) -> str:
    return re.sub(r"^#weights = .*\n", "", text, flags=re.MULTILINE)


def text_in(file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The IR in a file, or that which it says is unchanged."""
    text = file.read_text()
    return optimized([str(file)], capsys) if "cim.unchanged_since" in text else without_files(text)


def test_every_file_parses_back(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = passes_of(kept)
    assert [int(path.name[:2]) for _, path in found] == list(range(len(found)))
    assert found[0][0] == "import"
    assert found[-1][0] == "schedule-arrays"
    for _, path in found:
        assert optimized([str(path)], capsys) == text_in(path, capsys), path.name


def test_every_pass_can_be_run_again(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = passes_of(kept)
    for (_, before), (name, after) in pairwise(found):
        again = optimized([str(before), "-p", name, "--verify-each"], capsys)
        assert again == text_in(after, capsys), after.name


def test_all_the_rest_at_once(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = passes_of(kept)
    rest = ",".join(name for name, _ in found[1:])
    assert optimized([str(found[0][1]), "-p", rest], capsys) == without_files(found[-1][1].read_text())


def test_nodes_are_named_to_the_end(kept: Path) -> None:
    text = passes_of(kept)[-1][1].read_text()
    for node in ("first_MatMul", "second_MatMul", "third_MatMulInteger"):
        assert re.search(rf'array.multiply[^}}]*}}.* loc\("{node}"\)', text), node


def test_stock_xdsl_opt_finds_the_weights(kept: Path, tmp_path: Path) -> None:
    """It knows our dialects, and the module says where its weights lie."""
    script = "from xdsl.tools.xdsl_opt import main; main()"
    run = [sys.executable, "-c", script, str(kept / "00-import.mlir"), "-p", "quantize,tile-blocks"]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.count("array.multiply") == 3
    (kept / "00-import.weights.safetensors").unlink()
    failed = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path)
    assert (
        failed.stderr.rstrip()
        .splitlines()[-1]
        .endswith(
            f"there is no {kept}/00-import.weights.safetensors: expected beside the IR the files that its "
            "cim.weights names"
        )
    )
