"""Files on standard output, `written: FILE` for all others, versions and lists that need no file."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import load_model_from_string

from cimc.commands import compile_model, dump_program, optimize, report_program, run_program
from cimc.program.program import Program

Command = Callable[[Sequence[str]], int]
Bytes = pytest.CaptureFixture[bytes]


def written(text: str) -> list[str]:
    return [line.removeprefix("written: ") for line in text.splitlines() if line.startswith("written: ")]


def test_a_program_on_standard_output(network: Path, tmp_path: Path, capfdbinary: Bytes) -> None:
    """Nothing else is there: what is said goes to standard error."""
    assert compile_model.main([str(network), "--chip", "tiny-4", "-o", "-"]) == 0
    printed = capfdbinary.readouterr()
    (tmp_path / "p.cim").write_bytes(printed.out)
    assert Program.load(tmp_path / "p.cim").mapping == "spread"
    assert printed.err.startswith(f"{network} -> standard output in ".encode())
    assert b"written" not in printed.err


def test_references_on_standard_output(network: Path, tmp_path: Path, capfdbinary: Bytes) -> None:
    program = tmp_path / "p.cim"
    assert compile_model.main([str(network), "--chip", "tiny-4", "-o", str(program), "--reference", "-"]) == 0
    printed = capfdbinary.readouterr()
    assert load_model_from_string(printed.out).producer_name == "cimc"
    assert written(printed.err.decode()) == [str(program)]


@pytest.mark.parametrize("option", ["--json", "--csv", "--trace", "-o"])
def test_reports_on_standard_output(option: str, program: Path, capfdbinary: Bytes) -> None:
    assert report_program.main([str(program), option, "-"]) == 0
    printed = capfdbinary.readouterr()
    begins = {"--json": b'{\n  "program": "p"', "--csv": b"program,node,", "--trace": b'{"', "-o": b"<!DOCTYPE html>"}
    assert printed.out.startswith(begins[option])
    assert printed.err.startswith(b"chip          tiny-4")


def test_outputs_on_standard_output(program: Path, capfdbinary: Bytes) -> None:
    assert run_program.main([str(program), "--outputs", "-"]) == 0
    printed = capfdbinary.readouterr()
    with np.load(io.BytesIO(printed.out), allow_pickle=False) as outputs:
        assert outputs.files == ["y"]
    assert b"inputs: made up" in printed.err


def test_a_module_on_standard_output(network: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert optimize.main([str(network)]) == 0
    plain = capsys.readouterr().out
    assert optimize.main([str(network), "-o", "-"]) == 0
    assert capsys.readouterr().out == plain
    assert optimize.main([str(network), "-o", str(tmp_path / "m.mlir")]) == 0
    assert written(capsys.readouterr().out) == [str(tmp_path / "m.mlir")]


def test_a_file_that_standard_output_goes_to_is_added_to(program: Path, tmp_path: Path) -> None:
    """As `>>` of a shell has it; what is written there takes no other file's place."""
    target = tmp_path / "all.json"
    target.write_text("[")
    command = [sys.executable, "-m", "cimc.commands.report_program", str(program), "--json", "-"]
    with target.open("a") as file:
        subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=True)
    assert json.loads(target.read_text() + "]")[0]["program"] == "p"


def test_nobody_reads_standard_output(program: Path) -> None:
    command = f"{sys.executable} -m cimc.commands.report_program {program} -o - 2>&1 >&3 | cat"
    run = subprocess.run(
        ["bash", "-c", f"({command}) 3> >(true); wait"], capture_output=True, text=True, check=False, timeout=120
    )
    assert "cannot be written" not in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


def test_only_one_output_goes_there(program: Path, network: Path, fails: Callable[..., str]) -> None:
    twice = "standard output: cannot be written: more than one output goes there"
    assert fails("cim-report", program, "--json", "-", "--csv", "-") == twice
    assert fails("cimc", network, "-o", "-", "--reference", "-") == twice
    printing = "standard output: cannot be written: --emit cim prints there"
    assert fails("cimc", network, "--emit", "cim", "-o", "-") == printing
    assert fails("cimc", network, "--emit", "cim", "--reference", "-") == printing


def test_every_file_is_named(program: Path, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {name: str(tmp_path / name) for name in ("q.cim", "r.onnx", "f.onnx", "ir", "y.npz", "r.json", "r.csv")}
    references = ["--reference", names["r.onnx"], "--reference-float", names["f.onnx"], "--keep-ir", names["ir"]]
    assert compile_model.main([str(network), "--chip", "tiny-4", "-o", names["q.cim"], *references]) == 0
    modules = len(list((tmp_path / "ir").glob("*.mlir")))
    assert written(capsys.readouterr().out) == [
        names["q.cim"], names["r.onnx"], names["f.onnx"], f"{names['ir']} ({modules} modules)",
    ]  # fmt: skip
    assert run_program.main([names["q.cim"], "--outputs", names["y.npz"]]) == 0
    assert written(capsys.readouterr().out) == [names["y.npz"]]
    assert report_program.main([str(program), "--json", names["r.json"], "--csv", names["r.csv"]]) == 0
    assert written(capsys.readouterr().out) == [names["r.json"], names["r.csv"]]
    assert dump_program.main([str(program), "-o", str(tmp_path / "header.txt")]) == 0
    assert written(capsys.readouterr().out) == [str(tmp_path / "header.txt")]


def test_ir_on_standard_output_stays_ir(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was written beside it is told on standard error."""
    assert compile_model.main([str(network), "--emit", "cim", "-o", str(tmp_path / "p.cim")]) == 0
    printed = capsys.readouterr()
    assert written(printed.out) == []
    assert written(printed.err) == [str(tmp_path / "p.cim")]


@pytest.mark.parametrize(
    "command", ["cimc", "cim-export", "cim-opt", "cim-run", "cim-objdump", "cim-report", "cim-sweep", "cim-eval"]
)
def test_versions(command: str, commands: Mapping[str, Command], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        commands[command](["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(f"{command} ")


def test_chips(capsys: pytest.CaptureFixture[str]) -> None:
    """No network is needed to ask for them."""
    with pytest.raises(SystemExit) as stop:
        compile_model.main(["--list-chips"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["3dsim-256", "isaac-128", "pcm-256", "sram-256", "tiny-4"]
    assert "; 256x256, 2-bit cells, 1-bit DAC, 8 ADCs of up to 8 bits" in lines[2]


def test_python_m_cimc(network: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cimc", str(network), "--chip", "tiny-4", "-o", str(tmp_path / "p.cim")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.startswith(f"{network} -> {tmp_path}/p.cim ")
    assert run.stdout.endswith(f"written: {tmp_path}/p.cim\n")
