"""Outputs that cannot be written are found before the work, and what is read is never overwritten."""

import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import load_model_from_string
from onnx.external_data_helper import convert_model_to_external_data, write_external_data_tensors

from cimc.commands import compile_model, optimize, report_program, run_program
from dialects.weights import weights_file

Write = Callable[..., Path]


def test_unwritable_outputs(network: Path, program: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    """They are refused before the work begins."""
    nowhere = tmp_path / "none" / "file"
    reason = f"{nowhere}: cannot be written: there is no directory {tmp_path}/none"
    for arguments in (
        ("cimc", network, "-o", nowhere),
        ("cimc", network, "-o", tmp_path / "q.cim", "--reference", nowhere),
        ("cim-run", program, "--outputs", nowhere),
        ("cim-report", program, "--json", nowhere),
        ("cim-report", program, "--csv", nowhere),
        ("cim-report", program, "-o", nowhere),
        ("cim-report", program, "--trace", nowhere),
        ("cim-report", program, "--png", nowhere),
    ):
        assert fails(*arguments) == reason
    assert fails("cimc", network, "-o", tmp_path) == (
        f"{tmp_path}: cannot be written: is a directory, expected the name of a file"
    )
    assert fails("cimc", network, "-o", tmp_path / "q.cim", "--keep-ir", program).startswith(
        f"{program}: cannot keep IR there: "
    )
    assert fails("cim-opt", network, "-o", nowhere) == reason


def test_files_named_twice(program: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    same = f"{tmp_path}/../{tmp_path.name}/p.cim"
    assert fails("cim-report", program, same) == f"{same}: is given twice: name each program once"
    file = tmp_path / "r.json"
    twice = "cannot be written: another output has the same name"
    assert fails("cim-report", program, "--json", file, "--trace", file) == f"{file}: {twice}"
    assert fails("cim-report", program, "-o", program) == f"{program}: {ALSO_READ}"


ALSO_READ = "cannot be written: it is also an input, expected another name"


def test_what_is_read_is_never_overwritten(
    program: Path, network: Path, fails: Callable[..., str], tmp_path: Path
) -> None:
    inputs, chip = tmp_path / "x.npz", tmp_path / "chip.toml"
    np.savez(inputs, x=np.zeros((2, 4), np.float32))
    chip.write_text("rows = 4")
    assert fails("cimc", network, "-o", network) == f"{network}: {ALSO_READ}"
    assert fails("cimc", network, "-o", tmp_path / "q.cim", "--reference", network) == f"{network}: {ALSO_READ}"
    assert fails("cimc", network, "--emit", "cim", "--reference-float", network) == f"{network}: {ALSO_READ}"
    assert fails("cimc", network, "-o", inputs, "--calibrate", inputs) == f"{inputs}: {ALSO_READ}"
    assert fails("cimc", network, "-o", chip, "--chip", chip) == f"{chip}: {ALSO_READ}"
    assert fails("cim-run", program, "--outputs", program) == f"{program}: {ALSO_READ}"
    assert fails("cim-run", program, "--inputs", inputs, "--outputs", inputs) == f"{inputs}: {ALSO_READ}"
    assert fails("cim-run", program, "--check", network, "--outputs", network, code=2) == f"{network}: {ALSO_READ}"
    spec = f'quantize{{activations=static calibration="{inputs}"}}'
    assert fails("cim-opt", network, "-p", spec, "-o", inputs) == f"{inputs}: {ALSO_READ}"
    same = tmp_path / "same"
    assert fails("cimc", network, "-o", same, "--reference", same) == (
        f"{same}: cannot be written: another output has the same name"
    )


@pytest.fixture
def large(network: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The network with its weights in a file of their own: both files."""
    model = load_model_from_string(network.read_bytes())
    convert_model_to_external_data(model, location="m.data", size_threshold=0)
    write_external_data_tensors(model, str(tmp_path))
    network.write_bytes(model.SerializeToString())
    return network, tmp_path / "m.data"


def test_weights_beside_a_network_are_never_overwritten(
    large: tuple[Path, Path], program: Path, fails: Callable[..., str], tmp_path: Path
) -> None:
    network, data = large
    q, link, hard = tmp_path / "q.cim", tmp_path / "link", tmp_path / "hard"
    link.symlink_to(data)
    hard.hardlink_to(data)
    reason = f"cannot be written: it holds weights of {network}, expected another name"
    for name in (data, link, hard):
        assert fails("cimc", network, "-o", name) == f"{name}: {reason}"
        assert fails("cimc", network, "-o", q, "--reference", name) == f"{name}: {reason}"
        assert fails("cimc", network, "--emit", "cim", "--reference-float", name) == f"{name}: {reason}"
        assert fails("cim-opt", network, "-o", name) == f"{name}: {reason}"
        assert fails("cim-run", program, "--check", network, "--outputs", name, code=2) == f"{name}: {reason}"
    beside = tmp_path / "m.onnx"
    beside.with_name("m.onnx.data").symlink_to(data)
    assert fails("cimc", network, "-o", q, "--reference", beside) == f"{beside}.data: {reason}"
    side = weights_file(tmp_path / "m.mlir")
    side.symlink_to(data)
    assert fails("cim-opt", network, "-o", tmp_path / "m.mlir") == f"{side}: {reason}"
    kept = weights_file(tmp_path / "00-import.mlir")
    kept.symlink_to(data)
    assert fails("cimc", network, "-o", q, "--keep-ir", tmp_path).startswith(f"{kept}: cannot be written: there is a ")


def test_a_network_is_not_replaced_by_its_text(
    network: Path, onnx_file: Write, fails: Callable[..., str], tmp_path: Path
) -> None:
    assert fails("cim-opt", network, "-o", network) == f"{network}: {ALSO_READ}"
    reason = "there is a file of that name that cimc did not write: expected another name or folder"
    network = onnx_file("g (float[n,40] x) => (float[n,40] y) { y = MatMul(x, w) }", {"w": np.ones((40, 40), "f")})
    for module, arguments in (
        ("m.mlir", ("cim-opt", "-o", tmp_path / "m.mlir")),
        ("00-a.mlir", ("cimc", "--keep-ir", tmp_path)),
    ):
        side = weights_file(tmp_path / module)
        side.write_text("somebody's weights")
        assert fails(arguments[0], network, *arguments[1:]) == f"{side}: cannot be written: {reason}"


def test_what_cannot_be_read_is_found_before_the_run(
    program: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for option, code in (("--check", 2), ("--inputs", 1)):
        assert run_program.main([str(program), option, str(tmp_path / "none")]) == code
        printed = capsys.readouterr()
        assert printed.err == f"cimc: error: {tmp_path}/none: cannot be read: no such file or directory\n"
        assert printed.out == ""


def test_folders_of_pictures(program: Path, fails: Callable[..., str]) -> None:
    reason = "cannot be written: is a file, expected the name of a folder for --png"
    assert fails("cim-report", program, "--png", program) == f"{program}: {reason}"


def test_a_full_disk(program: Path, network: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """No file can be larger than 20 bytes: each is told by its name, and nothing is left of it."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = sorted(tmp_path.rglob("*"))
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    q = str(tmp_path / "q")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
        codes = [
            compile_model.main([str(network), "-o", q]),
            compile_model.main([str(network), "-o", "/dev/null", "--reference", q]),
            compile_model.main([str(network), "--emit", "cim", "--keep-ir", q]),
            optimize.main([str(network), "-o", q]),
            run_program.main([str(program), "--outputs", q]),
            *(report_program.main([str(program), option, q]) for option in ("-o", "--json", "--csv", "--trace")),
            report_program.main([str(program), "--png", f"{q}s"]),
        ]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    lines = capsys.readouterr().err.splitlines()
    assert codes == [1] * len(lines)
    assert all(line.startswith(f"cimc: error: {q}") for line in lines), lines
    assert all("cannot be written: " in line for line in lines), lines
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and path.is_file()] == []


def test_standard_output_on_a_full_disk(program: Path) -> None:
    command = [sys.executable, "-m", "cimc.commands.dump_program", str(program)]
    with open("/dev/full", "w") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "cimc: error: standard output: no space left on device\n")
