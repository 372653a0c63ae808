"""IR in, programs out: from every stage the program of the direct way, byte for byte; and what is changed by hand."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cimc.commands import compile_model, dump_program, optimize, report_program, run_program
from cimc.compiler import Options, compile_network
from cimc.program.program import Program
from dialects.errors import UserError

ROOT = Path(__file__).parents[2]
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("tests/cases/gqa_packed.onnx", {"dims": {"b": 1, "s": 3}}),
    ("tests/cases/fp16_residual.onnx", {"mapping": "linear", "lossy": 6}),
    ("tests/cases/qmark_dims.onnx", {"chip": "tiny-4", "activations": "tensor"}),
    ("tests/models/monarch_bmm_256x256_nb4.dyn.onnx", {"mapping": "densemap", "arrays": 99}),
    ("tests/models/monarch_mlp_256_1024_nb4.dyn.onnx", {"objective": "latency"}),
    ("tests/models/dense_blockdiag_256x256_nb4.ts.onnx", {"prune_below": 1e-9}),
    ("tests/cases/dom_mlp.onnx", {"monarch": 2}),
    ("examples/monarch_lm/monarch_lm.onnx", {}),
]


def compiled(file: Path, place: Path, **options: Any) -> bytes:
    compile_network(file, Options(**options, measure=False)).program.save(place)
    return place.read_bytes()


@pytest.mark.parametrize(("name", "options"), WAYS, ids=lambda value: str(value).rpartition("/")[2])
def test_every_stage_makes_the_same_program(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    """Options of passes that ran are in the IR; those of passes that are still to run are asked for again."""
    expected = compiled(ROOT / name, tmp_path / "a.cim", keep_ir=tmp_path / "ir", **options)
    stages = sorted((tmp_path / "ir").glob("*.mlir"))
    assert len(stages) >= 10
    again = {key: value for key, value in options.items() if key not in ("dims", "chip", "arrays")}
    few = stages if (ROOT / name).stat().st_size < 1 << 22 else stages[::3]  # seconds each, for a large network
    for stage in few:
        assert compiled(stage, tmp_path / "b.cim", **again) == expected, stage.name
    assert compiled(stages[-1], tmp_path / "b.cim") == expected


Fails = Callable[..., str]


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Fails:
    """The one line that `cimc` says of what it refuses."""

    def failure(*arguments: object) -> str:
        capsys.readouterr()
        assert compile_model.main([str(argument) for argument in arguments]) == 1
        errors = capsys.readouterr().err
        assert errors.startswith("cimc: error: ")
        assert errors.count("\n") == 1
        return errors.removeprefix("cimc: error: ").rstrip()

    return failure


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The IR of a network with two blocks on `tiny-4`, in `ir`; the current folder has its program and reference."""
    monkeypatch.chdir(tmp_path)
    options = {"chip": "tiny-4", "keep_ir": tmp_path / "ir", "reference": tmp_path / "ref.onnx"}
    compiled(ROOT / "tests" / "cases" / "qmark_dims.onnx", tmp_path / "a.cim", **options)
    return tmp_path / "ir"


def test_a_placement_changed_by_hand(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is scheduled, executed, the same to the last bit, and reported on as it lies."""
    placed = (kept / "09-place-tiles.mlir").read_text()
    arrays = {int(number) for number in re.findall(r"in array (\d+) at", placed)}
    moved = re.sub(r"in array (\d+) at", lambda m: f"in array {int(m[1]) + 5} at", placed)
    (kept / "mine.mlir").write_text(moved)
    assert compile_model.main([str(kept / "mine.mlir"), "-o", "b.cim", "--verify-each"]) == 0
    assert run_program.main(["b.cim", "--check", "ref.onnx"]) == 0
    assert dump_program.main(["b.cim", "--header"]) == 0
    assert report_program.main(["b.cim", "--json", "b.json"]) == 0
    output = capsys.readouterr().out
    assert "check: identical" in output
    assert f"arrays        {max(arrays) + 6} " in output


def test_a_schedule_changed_by_hand_has_to_be_legal(kept: Path, fails: Fails) -> None:
    file, late = kept / "10-schedule-arrays.mlir", kept / "late.mlir"
    text = file.read_text()
    first = re.search(r"convert rows .* at (\d+) ps", text)
    assert first is not None
    late.write_text(text[: first.start(1)] + "1" + text[first.end(1) :])
    assert re.fullmatch(
        rf"{re.escape(str(late))}: .*: its schedule was changed, make a new one with schedule-arrays", fails(late)
    )
    assert not list(kept.parent.glob("late*"))
    assert compile_model.main([str(late), "--passes", "schedule-arrays", "-o", "b.cim"]) == 0
    program, again = Program.load("a.cim"), Program.load("b.cim")
    assert again.instructions.tobytes() == program.instructions.tobytes()
    assert again.options == {**program.options, "passes": "schedule-arrays"}


def test_passes_in_place_of_the_pipeline(kept: Path, fails: Fails) -> None:
    ours = "fold-constants,raise-matmul,canonicalize,quantize,tile-blocks,place-tiles{mapping=linear},schedule-arrays"
    model = str(ROOT / "tests" / "cases" / "qmark_dims.onnx")
    options = ["--chip", "tiny-4", "--verify-each", "--reference", "r.onnx"]
    assert compile_model.main([model, *options, "--passes", ours, "-o", "b.cim"]) == 0
    assert run_program.main(["b.cim", "--check", "r.onnx"]) == 0
    assert fails(model, "--passes", "tile-blok").startswith("unknown pass 'tile-blok': expected fold-constants")
    message = fails(model, *options, "--passes", "quantize,tile-blocks")
    assert message.endswith("has no places for its tiles: run place-tiles first")
    assert message.startswith(f"{model}: node ")
    assert fails(model, "--passes", ours, "--mapping", "linear") == (
        "--passes: --mapping linear is for place-tiles, which does not run on it: "
        "expected IR from before it, or --passes"
    )


def test_what_contradicts_the_ir(kept: Path, fails: Fails) -> None:
    last, first = kept / "10-schedule-arrays.mlir", kept / "00-import.mlir"
    assert fails(last, "--mapping", "linear").startswith(
        f"{last}: --mapping linear is for place-tiles, which does not "
    )
    assert fails(last, "--dim", "n=3").startswith(f"{last}: --dim is for ONNX")
    assert fails(last, "--arrays", "99").startswith(f"{last}: lies on chip 'tiny-4' already")
    assert fails(last, "--reference-float", "f.onnx").startswith(f"{last}: --reference-float: its network is quantised")
    assert "it is also an input" in fails(last, "--keep-ir", kept)
    assert "it is also an input" in fails(last, "-o", last)
    assert compile_model.main([str(first), "--chip", "tiny-4", "--arrays", "99", "-o", "b.cim"]) == 0


def test_files_that_are_missing_or_wrong(kept: Path, fails: Fails) -> None:
    first = kept / "00-import.mlir"
    text = first.read_text()
    assert fails(kept / "none.mlir") == f"{kept}/none.mlir: cannot be read: no such file or directory"
    (kept / "half.mlir").write_text(text[: len(text) // 2])
    assert re.match(rf"{re.escape(str(kept))}/half.mlir:\d+:\d+: ", fails(kept / "half.mlir"))
    weights = kept / "00-import.weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1])
    assert f"{weights}: not a file of weights written by --keep-ir or cim-opt" in fails(first)
    weights.unlink()
    assert f"there is no {weights}: expected beside the IR the files that its cim.weights names" in fails(first)
    program = Path("a.cim").rename("a.mlir")
    assert fails(program).startswith("a.mlir: not a module that can be read")
    assert not Path("none.cim").exists()
    assert not Path("half.cim").exists()


def test_programs_and_listings_of_cim_opt(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = str(kept / "10-schedule-arrays.mlir")
    assert optimize.main([last, "-t", "program", "-o", "b.cim"]) == 0
    assert Path("b.cim").read_bytes() == Path("a.cim").read_bytes()
    capsys.readouterr()
    assert optimize.main([last, "-t", "listing"]) == 0
    listing = capsys.readouterr().out
    assert compile_model.main([last, "--emit", "listing"]) == 0
    assert capsys.readouterr().out == listing
    for arguments, message in (
        ([last, "-t", "program"], "a program is no text: expected the name of its file, -o PROG.cim"),
        ([str(kept / "09-place-tiles.mlir"), "-t", "listing"], "is not scheduled: run schedule-arrays first"),
    ):
        assert optimize.main(arguments) == 1
        assert capsys.readouterr().err.rstrip().endswith(message)


def test_two_modules_in_one_folder_keep_their_weights(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its own file, and none takes the place of one that another reads."""
    for name in ("one", "two"):
        assert optimize.main([str(kept / "04-fold-permutations.mlir"), "-p", "quantize", "-o", f"{name}.mlir"]) == 0
    assert sorted(path.name for path in Path().glob("*.weights.safetensors")) == [
        "one.weights.safetensors",
        "two.weights.safetensors",
    ]
    Path("two.weights.safetensors").unlink()
    assert compile_model.main(["one.mlir", "-o", "b.cim"]) == 0
    assert Path("b.cim").read_bytes() == Path("a.cim").read_bytes()
    capsys.readouterr()
    Path("copy.mlir").write_text(Path("one.mlir").read_text())
    assert optimize.main(["copy.mlir", "-o", "one.mlir"]) == 1
    assert "one.weights.safetensors: cannot be written: it holds weights of the input" in capsys.readouterr().err


def test_python(kept: Path) -> None:
    """The stage is known without a list of passes, too, though not its options."""
    file = kept / "09-place-tiles.mlir"
    file.write_text(re.sub(r"cim.passes = #passes, ", "", file.read_text()))
    assert compile_network(file).program.stages == compile_network(kept / "10-schedule-arrays.mlir").program.stages
    file.write_text(file.read_text().replace("cim.digital", "cim.odd"))
    with pytest.raises(UserError, match=r"09-place-tiles.mlir:\d+:\d+: "):
        compile_network(file)


def test_calibration_is_remembered(tmp_path: Path) -> None:
    """Its inputs are told by name and contents, also where the passes that took them are over."""
    inputs, network = tmp_path / "x.npz", ROOT / "tests" / "cases" / "qmark_dims.onnx"
    given = np.load(network.with_suffix(".inputs.npz"))
    np.savez(inputs, **given)
    expected = compiled(network, tmp_path / "a.cim", chip="tiny-4", calibrate=inputs, keep_ir=tmp_path / "ir")
    inputs.unlink()
    for stage in sorted((tmp_path / "ir").glob("*.mlir"))[5:]:
        assert compiled(stage, tmp_path / "b.cim") == expected, stage.name
