"""What the commands print and write when all goes well."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from onnx import load_model_from_string

from cimc.commands import compile_model, dump_program, optimize, report_program, run_program
from cimc.program.program import Program
from cimc.program.records import Opcode

Write = Callable[..., Path]
LONG = "second_" + "x" * 70
NETWORK = f"""g (float[n,4] x) => (float[n,2] y, int64[2] s) {{
    [first] h = MatMul(x, w)  [middle] k = Abs(h)  [{LONG}] y = MatMul(k, v)  [size] s = Shape(y)
}}"""


@pytest.fixture
def network(onnx_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network in the working directory."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    w, v = (generator.standard_normal(shape).astype(np.float32) for shape in ((4, 6), (6, 2)))
    return onnx_file(NETWORK, {"w": w, "v": v}).relative_to(tmp_path)


@pytest.fixture
def output(network: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `cimc` prints for the network on the tiny chip, with more options."""

    def run(*arguments: str) -> str:
        capsys.readouterr()
        assert compile_model.main([str(network), "--chip", "tiny-4", "--mapping", "linear", *arguments]) == 0
        return capsys.readouterr().out

    return run


def test_weights_that_pass_through_the_chip(
    network: Path, output: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`cimc`, `cim-objdump` and `cim-run --check` of a program with loads, on the fewest arrays there can be."""
    lines = output("--arrays", "1", "--reload", "--reference", "ref.onnx").splitlines()
    (reload,) = (line for line in lines if line.split()[0] == "reload")
    assert "loads of at most 1 array, " in reload
    assert any(line.split()[0] == "endurance" for line in lines)
    assert dump_program.main(["network.cim", "--listing"]) == 0
    loads = re.findall(r"load +weights (\d+) into arrays (\d+):(\d+), \d rows", capsys.readouterr().out)
    assert loads == [(str(i), str(i), str(i + 1)) for i in range(len(loads))]
    assert len(loads) == 4
    for engine in ("fast", "reference"):
        assert run_program.main(["network.cim", "--check", "ref.onnx", "--engine", engine]) == 0
        assert "check: identical" in capsys.readouterr().out


def test_the_summary(output: Callable[..., str]) -> None:
    lines = output().splitlines()
    assert lines[0].startswith("network.onnx -> network.cim (0.0 MB) in ")
    figures = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines[1:]}
    assert figures["chip"] == "tiny-4: arrays of 4x4, 2-bit cells, 1-bit DAC, 1 ADCs of up to 8 bits"
    assert figures["arrays"].startswith("4 of 4 crossbars (linear mapping")
    assert figures["network"].startswith("cosine 0.99")
    assert figures["network"].endswith("from the original (output 'y'); inputs made up")
    assert {"utilisation", "conversions", "stages", "latency"} <= figures.keys()
    assert max(map(len, lines)) <= 110


def test_files_written(output: Callable[..., str], tmp_path: Path) -> None:
    output("-o", "p.cim", "--reference", "r.onnx", "--keep-ir", "ir/deep", "--dim", "n=3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ir", "network.onnx", "p.cim", "r.onnx"]
    assert Program.load("p.cim").dims == {"n": 3}
    assert (tmp_path / "ir" / "deep" / "00-import.mlir").exists()
    assert load_model_from_string(Path("r.onnx").read_bytes()).producer_name == "cimc"


def test_many_tokens(output: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    """The program carries their schedule, the summary is of so many, and the dump says how far they are apart."""
    assert "prefill       8 tokens in " in output("-o", "p.cim", "--tokens", "8")
    pipeline = Program.load("p.cim").pipeline
    assert pipeline is not None
    assert dump_program.main(["p.cim"]) == 0
    assert f"; pipeline: a token every {pipeline.interval_ps} ps" in capsys.readouterr().out
    assert dump_program.main(["p.cim", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pipeline"] == {"interval_ps": pipeline.interval_ps}


def test_devices_stay_devices(output: Callable[..., str], network: Path, tmp_path: Path) -> None:
    """What is written to no file is gone, and nothing appears beside it."""
    before = os.stat("/dev/null"), sorted(os.listdir("/dev"))
    arguments = ("-o", "/dev/null", "--reference", "/dev/null", "--reference-float", "/dev/null")
    assert "-> /dev/null (0.0 MB)" in output(*arguments)
    output("-o", "p.cim")
    assert run_program.main(["p.cim", "--outputs", "/dev/null"]) == 0
    assert report_program.main(["p.cim", *(f"--{o}=/dev/null" for o in ("json", "csv", "trace")), "-o/dev/null"]) == 0
    assert optimize.main([str(network), "-o", "/dev/null"]) == 0
    after = os.stat("/dev/null"), sorted(os.listdir("/dev"))
    assert (before[0].st_rdev, before[0].st_ino, before[1]) == (after[0].st_rdev, after[0].st_ino, after[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.onnx", "p.cim"]


def test_an_old_dump_is_replaced(output: Callable[..., str], tmp_path: Path) -> None:
    """Other files in the folder stay."""
    (tmp_path / "ir").mkdir()
    for name in ("99-old.mlir", "notes.txt"):
        (tmp_path / "ir" / name).write_text("old")
    output("--keep-ir", "ir")
    assert not (tmp_path / "ir" / "99-old.mlir").exists()
    assert (tmp_path / "ir" / "notes.txt").read_text() == "old"


@pytest.mark.parametrize(
    ("what", "part"),
    [("cim", "cim.matmul %"), ("array", "array.stage 0"), ("listing", "stage 0    multiply")],
)
def test_emit(what: str, part: str, output: Callable[..., str], tmp_path: Path) -> None:
    """It prints, and writes a program only where one is asked for."""
    assert part in output("--emit", what)
    assert not (tmp_path / "network.cim").exists()
    assert part in output("--emit", what, "-o", "p.cim")
    assert (tmp_path / "p.cim").exists()


def test_verbose(output: Callable[..., str], network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Passes and layers, each on a line of its own however long its name."""
    assert compile_model.main([str(network), "--chip", "tiny-4", "-v", "-o", "p.cim"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[1].split()[:2] == ["pass", "ms"]
    assert any(line.startswith("quantize ") for line in lines)
    layers = [line.split() for line in lines if line.endswith(("first", LONG))]
    assert [line[0] for line in layers] == ["4x6", "6x2"]


def test_verify_each(output: Callable[..., str]) -> None:
    assert "cosine 0.99" in output("--verify-each")


@pytest.mark.parametrize("activations", ["token", "tensor"])
def test_activations(activations: str, output: Callable[..., str]) -> None:
    operators = output("--emit", "cim", "--activations", activations)
    assert ("DynamicQuantizeLinear" in operators) == (activations == "tensor")


def test_calibrate(output: Callable[..., str], tmp_path: Path) -> None:
    """Calibration inputs make activations static unless something else is asked for."""
    np.savez("x.npz", x=np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32))
    assert '"QuantizeLinear"' in output("--emit", "cim", "--calibrate", "x.npz")
    assert '"ReduceMin"' in output("--emit", "cim", "--calibrate", "x.npz", "--activations", "token")


@pytest.fixture
def program(output: Callable[..., str]) -> str:
    output("-o", "p.cim", "--reference", "r.onnx")
    return "p.cim"


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_run(program: str, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32)
    np.savez("x.npz", x=x)
    arguments = [program, "--inputs", "x.npz", "--outputs", "y.npz", "--check", "r.onnx", "--engine", engine]
    capsys.readouterr()
    assert run_program.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(f"({engine} engine)")
    assert lines[1:] == [
        "  y: float32[3, 2]",
        "  s: int64[2]",
        "written: y.npz",
        "check: identical, 8 values in 2 outputs",
    ]
    with np.load("y.npz", allow_pickle=False) as outputs:
        assert {name: outputs[name].shape for name in outputs.files} == {"y": (3, 2), "s": (2,)}


def test_run_on_made_up_inputs(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run_program.main([program, "--dim", "n=7", "--seed", "3", "--check", "r.onnx"]) == 0
    printed = capsys.readouterr().out
    assert "inputs: made up (seed 3); give your own with --inputs x.npz" in printed
    assert "check: identical, 16 values in 2 outputs" in printed


def test_spot_check_and_profile(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run_program.main([program, "--spot-check", "30", "--threads", "2", "--profile", "--check", "r.onnx"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[4].startswith("spot check: ")
    assert lines[4].endswith("MULTIPLY records add the same in the reference engine")
    assert lines[5].startswith("profile: ")
    assert {line.split()[2] for line in lines[6:-1]} == {"arrays", "digital"}
    assert lines[-1].startswith("check: identical, ")


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_run_that_clips(program: str, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Fewer ADC bits than the compiler asked for: the run tells, and the check finds it out."""
    lossy = Program.load(program)
    lossy.instructions = lossy.instructions.copy()
    lossy.instructions["adc_bits"][lossy.instructions["op"] == Opcode.MULTIPLY] = 2
    lossy.save("lossy.cim")
    capsys.readouterr()
    assert run_program.main(["lossy.cim", "--check", "r.onnx", "--dim", "n=5", "--engine", engine]) == 1
    lines = capsys.readouterr().out.splitlines()
    clipped = next(i for i, line in enumerate(lines) if line.startswith("clipped: "))
    assert re.fullmatch(r"clipped: [\d,]+ of [\d,]+ \([\d.]+ %\) conversions", lines[clipped])
    assert any(re.fullmatch(r"  stage \d+: [\d,]+ of [\d,]+ \([\d.]+ %\)  (first|second_x+)", line) for line in lines)
    assert re.fullmatch(r"outputs: 1?\d of 12 \([\d.]+ %\) values would differ with ideal ADCs", lines[-2])
    assert lines[-1].startswith("check: output ")


def test_texts_in_files(onnx_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = onnx_file("g (string[n] x) => (string[n] y) { y = Identity(x) }")
    assert compile_model.main([str(file), "-o", "p.cim"]) == 0
    np.savez("x.npz", x=np.array(["ä", "bc"]))
    assert run_program.main(["p.cim", "--inputs", "x.npz", "--outputs", "y.npz"]) == 0
    with np.load("y.npz", allow_pickle=False) as outputs:
        assert outputs["y"].tolist() == ["ä", "bc"]


def test_names_of_nodes_may_be_any_text(program: str, tmp_path: Path) -> None:
    """Line breaks do not break lines, and letters that the terminal lacks are spelled out."""
    umlaut = "\N{LATIN SMALL LETTER U WITH DIAERESIS}"
    named = Program.load(program)
    named.multiplications = [replace(m, node=f"gr{umlaut}n\nb") for m in named.multiplications]
    named.save("named.cim")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(__file__).parents[2])}

    def output(command: str, *arguments: str) -> str:
        run = [sys.executable, "-m", f"cimc.commands.{command}", "named.cim", *arguments]
        return subprocess.run(run, env=environment, check=True, capture_output=True, text=True).stdout

    for text in (
        output("run_program", "--profile"),
        output("dump_program", "--listing"),
        output("report_program", "--csv", "layers.csv"),
    ):
        assert r"gr\xfcn b" in text
    assert f"gr{umlaut}n" in (tmp_path / "layers.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("option", "part"),
    [(None, "chip "), ("--header", "chip "), ("--listing", "stage 0    multiply"), ("--arrays", "array 0: ")],
)
def test_dump(option: str | None, part: str, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert dump_program.main([program, *([option] if option else [])]) == 0
    assert part in capsys.readouterr().out


def test_report(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert report_program.main([program, "--json", "r.json"]) == 0
    printed = capsys.readouterr().out
    assert "arrays        4" in printed
    assert LONG in printed
    figures = json.loads(Path("r.json").read_text())
    assert figures["arrays"] == 4
    assert [layer["shape"] for layer in figures["layers"]] == [[4, 6], [6, 2]]


def test_reports_side_by_side(program: str, output: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    """Two programs are compared, in tables of which each row has both."""
    output("-o", "q.cim", "--mapping", "spread")
    capsys.readouterr()
    assert report_program.main([program, "q.cim", "--json", "r.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "p: network.onnx on tiny-4, arrays of 4x4, linear mapping; for n = 1"
    arrays = next(line.split() for line in lines if line.startswith("arrays "))
    both = [report["arrays"] for report in json.loads(Path("r.json").read_text())]
    assert arrays[1:3] == list(map(str, both))
    assert sum(line.endswith(LONG) for line in lines) == 1


def test_a_summary_on_a_terminal(
    output: Callable[..., str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too long goes on below its beginning."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    *lines, last = output().splitlines()[1:]
    assert last == "written: network.cim"
    assert max(map(len, lines)) <= 60
    assert all(line.startswith("  ") for line in lines)
    chip = next(i for i, line in enumerate(lines) if line.startswith("  chip  "))
    assert lines[chip + 1] == f"{' ' * 16}DAC, 1 ADCs of up to 8 bits"


def test_report_as_tables(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Components and layers in a pipe, layers as CSV, digital operators for other sizes."""
    capsys.readouterr()
    arguments = [program, "--csv", "l.csv", "--dim", "n=3", "--context", "5", "--tokens", "2", "--json", "r.json"]
    assert report_program.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("component  energy a token  of dynamic "))
    assert [line.split()[0] for line in lines[head + 1 : head + 4]] == ["adc", "dac", "cells"]
    assert any(line.startswith("prefill       2 tokens in ") for line in lines)
    with open("l.csv", newline="") as file:
        assert [row["node"] for row in csv.DictReader(file)] == ["first", LONG]
    assert json.loads(Path("r.json").read_text())["conditions"] == {
        "dims": {"n": 3}, "context": 5, "tokens_of_a_run": 3, "unknown_operators": {},
    }  # fmt: skip


def test_report_files(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A page, a trace and pictures, each complete; the folder of the pictures is made."""
    assert report_program.main([program, "-o", "r.html", "--trace", "t.json", "--png", "figures"]) == 0
    page = Path("r.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")
    assert LONG in page
    assert {event["ph"] for event in json.loads(Path("t.json").read_text())["traceEvents"]} == {"M", "X"}
    assert {"occupancy.png", "schedule.png"} <= {path.name for path in Path("figures").iterdir()}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in Path("figures").iterdir())
    assert report_program.main([program, "--png", "figures"]) == 0
    assert not [path for path in Path().rglob(".*")]


def test_report_of_several_programs(
    program: str, output: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    output("-o", "q.cim", "--mapping", "spread")
    assert report_program.main([program, "q.cim", "--json", "r.json", "-o", "r.html", "--trace", "t.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in lines if ": network.onnx on tiny-4, " in line] == ["p", "q"]
    assert lines[-3:] == ["written: r.json", "written: t.json", "written: r.html"]
    figures = json.loads(Path("r.json").read_text())
    assert [(own["program"], own["mapping"]) for own in figures] == [("p", "linear"), ("q", "spread")]
    assert "<title>network.onnx: cimc report</title>" in Path("r.html").read_text(encoding="utf-8")
    events = json.loads(Path("t.json").read_text())["traceEvents"]
    assert {"p: arrays", "q: arrays"} <= {e["args"]["name"] for e in events if e["name"] == "process_name"}


def test_optimize_an_onnx_file(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passes = "fold-constants,quantize{activations=tensor},tile-blocks"
    arguments = [str(network), "--chip", "tiny-4", "-p", passes, "--verify-each", "--timing", "--print-ir-after-all"]
    assert optimize.main(arguments) == 0
    printed = capsys.readouterr()
    assert "array.multiply" in printed.out
    assert "DynamicQuantizeLinear" in printed.out
    assert "// ----- IR after tile-blocks -----" in printed.err
    assert printed.err.splitlines()[-4].split()[:2] == ["pass", "ms"]


def test_optimize_to_a_file(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The weights go beside it, so that it can be read again."""
    assert optimize.main([str(network), "--chip", "tiny-4", "-p", "fold-constants", "-o", "m.mlir"]) == 0
    assert Path("m.mlir").exists()
    capsys.readouterr()
    assert optimize.main(["m.mlir", "-p", "quantize,tile-blocks,place-tiles,schedule-arrays", "--verify-each"]) == 0
    assert "array.stage 1" in capsys.readouterr().out


STRANGE = "\x1b[2Jname \x07\u202e\x9b"


def test_names_cannot_command_a_terminal(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of nodes, values, dimensions, chips and files come from elsewhere; all are shown with escapes."""
    model = load_model_from_string(network.read_bytes())
    for node in model.graph.node:
        node.name += STRANGE
    renamed = {name: name + STRANGE for name in ("x", "y", "s")}
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
    for value in (*model.graph.input, *model.graph.output):
        value.name = renamed[value.name]
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param += STRANGE
    file, chip = Path(f"m{STRANGE}.onnx"), Path("chip.toml")
    file.write_bytes(model.SerializeToString())
    content = (resources.files("cimc.hardware") / "chips" / "tiny-4.toml").read_text()
    chip.write_text(f"name = {json.dumps('tiny' + STRANGE)}\n{content}")
    program = f"p{STRANGE}.cim"
    arguments = [str(file), "--chip", str(chip), "--lossy", "2", "-v"]
    for code in (
        compile_model.main([*arguments, "-o", program, "--reference", "r.onnx"]),
        *(compile_model.main([*arguments, "--emit", what]) for what in ("cim", "array", "listing")),
        optimize.main([str(file), "--chip", str(chip), "--print-ir-after-all", "--timing"]),
        *(dump_program.main([program, what]) for what in ("--header", "--listing", "--arrays")),
        1 - run_program.main([program, "--profile", "--check", "r.onnx"]),  # lossy
        1 - run_program.main([program, "--check", str(file)]),
        report_program.main([program]),
        1 - run_program.main([program, "--dim", f"a{STRANGE}=2"]),
        1 - run_program.main([f"none{STRANGE}"]),
    ):
        assert code == 0
    printed = capsys.readouterr()
    lines = (printed.out + printed.err).splitlines()
    assert [line for line in lines if not line.isprintable()] == []
    assert sum("\\x1b[2Jname \\x07\\u202e\\x9b" in line for line in lines) > 20


def test_names_of_files_that_are_no_text(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Any bytes name a file; programs and reports spell them with escapes."""
    name = os.fsdecode(b"u\xff")
    network.rename(f"{name}.onnx")
    files = [f"{name}.onnx", "--chip", "tiny-4", "-o", f"{name}.cim", "--keep-ir", f"{name}.ir", "--reference", name]
    assert compile_model.main(files) == 0
    assert optimize.main([f"{name}.ir/00-import.mlir", "-o", f"{name}.mlir"]) == 0
    assert run_program.main([f"{name}.cim", "--check", name, "--outputs", f"{name}.npz"]) == 0
    assert run_program.main([f"{name}.cim", "--inputs", f"{name}.npz"]) == 1
    outputs = [f"--{what}={name}.{what}" for what in ("json", "csv", "trace", "png")]
    assert report_program.main([f"{name}.cim", "-o", f"{name}.html", *outputs]) == 0
    assert "u\\udcff" in Path(f"{name}.html").read_text(encoding="utf-8")
    printed = capsys.readouterr()
    assert all(line.isprintable() for line in (printed.out + printed.err).splitlines())
    assert Program.load(f"{name}.cim").source.file == "u\\u{dcff}.onnx"
