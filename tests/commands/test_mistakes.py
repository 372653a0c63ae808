"""A user's mistakes: one line, `cimc: error: ...`, exit code 1 (2 for a wrong command line), nothing left behind."""

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cimc
from cimc.commands import compile_model, optimize, run_program
from cimc.machine.machine import Machine
from cimc.program.program import Program
from dialects.element_types import Array

Write = Callable[..., Path]
Command = Callable[[Sequence[str]], int]
W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


def test_threads_in_the_environment(program: Path, fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIMC_THREADS", "many")
    assert fails("cim-run", program) == "CIMC_THREADS is 'many', expected a number of at least 1, and at most 1024"


def test_too_little_memory(program: Path, fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    def run(self: Machine, inputs: object) -> None:
        raise MemoryError("unable to allocate 1 PiB")

    monkeypatch.setattr(Machine, "run", run)
    assert fails("cim-run", program) == "not enough memory: unable to allocate 1 PiB"


@pytest.mark.parametrize(
    "command", ["cimc", "cim-export", "cim-opt", "cim-run", "cim-objdump", "cim-report", "cim-sweep", "cim-eval"]
)
def test_help(command: str, commands: Mapping[str, Command], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        commands[command](["--help"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(("usage: ", "\x1b"))


WRONG_LINES: list[tuple[str, list[str], str]] = [
    ("cimc", [], "the following arguments are required: model"),
    ("cimc", ["m.onnx", "--dim", "batch"], "argument --dim: 'batch': expected NAME=VALUE with a size of at least 1"),
    (
        "cimc",
        ["m.onnx", "--dim", "batch=0"],
        "argument --dim: 'batch=0': expected NAME=VALUE with a size",
    ),
    ("cimc", ["m.onnx", "--arrays", "none"], "argument --arrays: 'none': expected a number of at least 1"),
    ("cimc", ["m.onnx", "--activations", "word"], "argument --activations: invalid choice: 'word'"),
    ("cimc", ["m.onnx", "--emit", "c"], "argument --emit: invalid choice: 'c'"),
    ("cimc", ["m.onnx", "--mapping", "square"], "argument --mapping: invalid choice: 'square'"),
    ("cim-export", [], "the following arguments are required: source"),
    ("cim-export", ["m", "-o", "-"], "argument -o: -: the weights go to a file beside the network, expected the name"),
    ("cim-export", ["m", "--dtype", "int4"], "argument --dtype: invalid choice: 'int4'"),
    ("cim-export", ["m", "--opset", "new"], "argument --opset: 'new': expected a number of at least 1"),
    ("cim-run", ["p.cim", "--engine", "steam"], "argument --engine: invalid choice: 'steam'"),
    ("cim-run", ["p.cim", "--threads", "0"], "argument --threads: '0': expected a number of at least 1"),
    (
        "cim-run",
        ["p.cim", "--spot-check", "0"],
        "argument --spot-check: '0': expected a percentage above 0, at most 100",
    ),
    (
        "cim-run",
        ["p.cim", "--spot-check", "x"],
        "argument --spot-check: 'x': expected a percentage above 0, at most 100",
    ),
    (
        "cim-run",
        ["p.cim", "--spot-check", "1", "--engine", "reference"],
        "the reference engine is not checked by itself",
    ),
    ("cim-run", ["p.cim", "--seed", "-1"], "argument --seed: '-1': expected a number of at least 0"),
    ("cim-objdump", ["p.cim", "--header", "--arrays"], "argument --arrays: not allowed with argument --header"),
    ("cim-report", ["p.cim", "--xml"], "unrecognized arguments: --xml"),
    ("cim-report", ["p.cim", "--tokens", "0"], "argument --tokens: '0': expected a number of at least 1"),
    ("cim-report", ["p.cim", "--dim", "n"], "argument --dim: 'n': expected NAME=VALUE with a size of at least 1"),
    ("cim-eval", ["p.cim"], "there is nothing to do: expected --text FILE, --tasks NAME,..., or both"),
    ("cim-eval", ["p.cim", "--tasks", "a,,b"], "argument --tasks: 'a,,b': expected names of tasks with commas between"),
    (
        "cim-eval",
        ["p.cim", "--text", "t", "--window", "1"],
        "argument --window: 1: expected at least 2, the first token",
    ),
    (
        "cim-eval",
        ["p.cim", "--text", "t", "--original", "m.onnx", "--no-original"],
        "argument --no-original: not allowed with argument --original",
    ),
    ("cim-sweep", ["m.onnx"], "the following arguments are required: --grid"),
    ("cim-sweep", ["m.onnx", "--grid", "g.toml", "--jobs", "0"], "argument --jobs: '0': expected a number of at least"),
    (
        "cim-sweep",
        ["m.onnx", "--grid", "g.toml", "--jobs", "2", "--scheduler", "tcp://a:1"],
        "argument --jobs: not allowed with argument --scheduler, whose workers are there already",
    ),
    (
        "cimc",
        ["m.onnx", "--dim", "n=" + "9" * 20],
        "like batch=1, and at most 2147483647",
    ),
    ("cimc", ["m.onnx", "--dim", "n=" + "9" * 5000], " ... "),
    ("cimc", ["m.onnx", "--arrays", "9" * 5000], "999': expected a number of at least 1, and at most 2147483647"),
    (
        "cimc",
        ["m.onnx", "--monarch", "9" * 5000],
        "expected a number of blocks of at least 2, also with a rank (8 or 8,rank=2), auto or paper",
    ),
    ("cimc", ["m.onnx", "--require-coverage", "95"], "'95': expected a share from 0 to 100%, like 95% or 0.95"),
    ("cimc", ["m.onnx", "--\x1b[31mred"], "unrecognized arguments: --\\x1b[31mred"),
    ("cim-run", ["p.cim", "--threads", "100000"], "'100000': expected a number of at least 1, and at most 1024"),
    ("cim-run", ["p.cim", "--seed", "9" * 20], "expected a number of at least 0, and at most 9223372036854775807"),
    ("cim-report", ["-o", "r.html"], "the following arguments are required: program"),
    ("cim-opt", ["m.mlir", "--no-such-option"], "unrecognized arguments: --no-such-option"),
]


@pytest.mark.parametrize(("command", "arguments", "message"), WRONG_LINES)
def test_wrong_command_lines(
    command: str,
    arguments: list[str],
    message: str,
    commands: Mapping[str, Command],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop:
        commands[command](arguments)
    assert stop.value.code == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert all(len(line) <= 520 and line.isprintable() for line in printed.splitlines())


def test_files_that_are_no_networks(fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("nothing of the kind")
    for command in ("cimc", "cim-opt"):
        assert fails(command, tmp_path / "text.onnx") == (
            f"{tmp_path}/text.onnx: not an ONNX file, or a truncated one: expected a serialized ModelProto"
        )
    assert fails("cimc", tmp_path / "none.onnx") == f"{tmp_path}/none.onnx: cannot be read: no such file or directory"


@pytest.mark.parametrize("domain", ["", "my.own."])
def test_operators_that_cannot_run(domain: str, fails: Callable[..., str], onnx_file: Write, tmp_path: Path) -> None:
    text = f"g (float[n,4] x) => (float[n,6] y) {{ h = MatMul(x, w) [strange] y = {domain}Frob(h) }}"
    file = onnx_file(text, {"w": W}, domains=', "my.own" : 1')
    message = fails("cimc", file, "-o", tmp_path / "p.cim", "--reference", tmp_path / "r.onnx")
    named = domain.removesuffix(".") or "ai.onnx"
    assert message.startswith(f"{file}: node 'strange': operator Frob of domain {named} cannot run: ")


def test_a_chip_with_too_few_arrays(network: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    arguments = (network, "--chip", "tiny-4", "--arrays", "1", "--mapping", "linear", "-o", tmp_path / "p.cim")
    assert fails("cimc", *arguments) == (
        f"{network}: mapping linear needs 8 crossbars in 2 arrays of 4x4, chip 'tiny-4' has 4 in 1: "
        "raise its `arrays`, or choose a chip with larger ones, or let weights pass through it in parts: --reload "
        "(others need: sparsemap 8, densemap 8, spread 8)"
    )


def test_reload_on_a_chip_that_cannot_tell_what_it_takes(
    network: Path, fails: Callable[..., str], tmp_path: Path
) -> None:
    text = (Path(cimc.__file__).parent / "hardware" / "chips" / "tiny-4.toml").read_text(encoding="utf-8")
    chip = tmp_path / "mine.toml"
    chip.write_text("".join(line for line in text.splitlines(True) if not line.startswith("program_")), "utf-8")
    assert fails("cimc", network, "--chip", chip, "--arrays", "1", "--reload", "-o", tmp_path / "p.cim") == (
        f"{network}: chip 'mine' gives no program_row_ns: add it to the chip, the cost model needs it"
    )


def test_many_tokens_where_weights_pass_through_the_chip(
    network: Path, fails: Callable[..., str], tmp_path: Path
) -> None:
    arguments = ("--chip", "tiny-4", "--arrays", "1", "--reload", "--tokens", "9", "-o", tmp_path / "p.cim")
    assert fails("cimc", network, *arguments) == (
        f"{network}: --tokens 9: the program has no schedule of many tokens: weights pass through the chip in parts, "
        "each for all tokens of a run before the next comes; leave out --tokens"
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("project-monarch{budget=-1.0}", "budget=-1.0: expected a relative error from 0 to 1000"),
        ("project-monarch{budget=1.0e308}", "budget=1e+308: expected a relative error from 0 to 1000"),
        ("detect-block-diagonal{prune-below=-0.5}", "prune-below=-0.5: expected a magnitude from 0 to 1e+300"),
    ],
)
def test_options_of_passes(spec: str, message: str, network: Path, fails: Callable[..., str]) -> None:
    assert fails("cim-opt", network, "-p", spec) == message


def test_too_little_coverage(network: Path, fails: Callable[..., str], onnx_file: Write, tmp_path: Path) -> None:
    """The network has all of it on arrays; one with a weight of int32, which is digital, is refused."""
    with contextlib.redirect_stdout(io.StringIO()):
        assert compile_model.main([str(network), "--require-coverage", "100%", "-o", str(tmp_path / "all.cim")]) == 0
    nodes = [f"wide_{i:0>60}" for i in range(10)]
    steps = " ".join(f"[{node}] y{i} = MatMul(x, w)" for i, node in enumerate(nodes))
    text = f"g (int32[6,4] x) => ({', '.join(f'int32[6,4] y{i}' for i in range(10))}) {{ {steps} }}"
    file = onnx_file(text, {"w": np.ones((4, 4), np.int32)}, name="wide.onnx")
    options = ("--require-coverage", "95%", "-o", tmp_path / "p.cim", "--reference", tmp_path / "r.onnx")
    line = fails("cimc", file, *options)
    assert f"{file}: arrays do too little: 0 % of 960 constant-weight multiply-accumulates on arrays" in line
    assert line.endswith(f"the weight has elements of type int32): {', '.join(nodes)}")


def test_unknown_chips(network: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    assert fails("cimc", network, "--chip", "none") == (
        "unknown chip 'none': expected one of 3dsim-256, isaac-128, pcm-256, sram-256, tiny-4 or the path of a "
        "TOML file"
    )
    (tmp_path / "my.toml").write_text("rows = ")
    message = fails("cimc", network, "--chip", tmp_path / "my.toml")
    assert message.startswith(f"chip file {tmp_path}/my.toml is not TOML")


def test_unknown_dimensions(network: Path, program: Path, fails: Callable[..., str]) -> None:
    assert fails("cimc", network, "--dim", "batch=3") == (
        f"{network}: no input has a dimension 'batch' to fix with --dim: dynamic dimensions are n"
    )
    assert fails("cim-run", program, "--dim", "batch=3") == "dimension batch is unknown, the inputs have n"


def test_calibration_inputs(network: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    assert fails("cimc", network, "--activations", "static") == (
        f"{network}: activations=static needs calibration inputs: give them with --calibrate x.npz"
    )
    inputs = tmp_path / "inputs.npz"
    assert fails("cimc", network, "--calibrate", inputs) == f"{inputs}: cannot be read: no such file or directory"
    np.savez(inputs, z=W)
    assert fails("cimc", network, "--calibrate", inputs) == f"{inputs}: no array for input 'x': expected x"
    np.savez(inputs, x=W)
    shape = "[4, 6]"
    assert fails("cimc", network, "--calibrate", inputs) == f"{inputs}: input x has shape {shape}, expected [n, 4]"
    np.savez(inputs, x=np.zeros((2, 4)))
    wrong_type = f"{inputs}: input x has type float64, expected float32"
    assert fails("cimc", network, "--calibrate", inputs, "--activations", "token") == wrong_type
    inputs.write_text("no archive")
    assert fails("cimc", network, "--calibrate", inputs).startswith(
        f"{inputs}: not an .npz file with calibration inputs: "
    )


@pytest.mark.parametrize("measuring", ["--measure", "--no-measure"])
@pytest.mark.parametrize("activations", ["token", "tensor", "static"])
def test_calibration_inputs_that_say_nothing(
    activations: str, measuring: str, network: Path, fails: Callable[..., str], tmp_path: Path
) -> None:
    """Refused also where no number of them would come into the program."""
    inputs, command = tmp_path / "inputs.npz", ("cimc", network, "--activations", activations, measuring, "--calibrate")
    for wrong in (np.nan, np.inf, -np.inf):
        np.savez(inputs, x=np.array([[0, 1, 2, 3], [4, wrong, 6, 7]], np.float32))
        assert fails(*command, inputs) == (
            f"{inputs}: array 'x' holds {wrong} at [1, 1]: expected numbers that are finite"
        )
    np.savez(inputs, x=np.zeros((0, 4), np.float32))
    assert fails(*command, inputs) == (f"{inputs}: array 'x' of shape [0, 4] holds no vectors: expected at least one")


def test_unknown_dimensions_of_a_report(program: Path, fails: Callable[..., str]) -> None:
    assert fails("cim-report", program, "--dim", "m=2") == f"{program}: dimension m is unknown, the inputs have n"


def test_a_program_without_a_schedule(handmade: Program, fails: Callable[..., str], tmp_path: Path) -> None:
    handmade.save(tmp_path / "old.cim")
    json, trace = tmp_path / "r.json", tmp_path / "t.json"
    assert fails("cim-report", tmp_path / "old.cim", "--json", json, "--trace", trace) == (
        "old: was made without times, so there is no schedule to trace: compile it anew"
    )


def test_inputs_at_run_time(program: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    inputs = tmp_path / "inputs.npz"
    right = np.zeros((2, 4), np.float32)
    cases: list[tuple[dict[str, Array], str]] = [
        ({"z": right}, "input z is unknown, the program takes x"),
        ({}, "input x is missing, the program takes x"),
        ({"x": right.astype(np.float64)}, "input x has type float64, expected float32"),
        ({"x": right.T}, "input x has shape [4, 2], expected [n, 4]"),
        ({"x": right[0]}, "input x has shape [4], expected [n, 4]"),
    ]
    for arrays, message in cases:
        np.savez(inputs, allow_pickle=False, **arrays)
        assert fails("cim-run", program, "--inputs", inputs, "--outputs", tmp_path / "y.npz") == message
    inputs.write_text("no archive")
    assert fails("cim-run", program, "--inputs", inputs) == (
        f"{inputs}: not an .npz file: expected arrays saved by numpy.savez"
    )
    np.savez(inputs, x=np.array([None]))
    assert fails("cim-run", program, "--inputs", inputs).startswith(f"{inputs}: not an .npz file with inputs: ")


@pytest.mark.parametrize("command", ["cim-run", "cim-objdump", "cim-report"])
def test_files_that_are_no_programs(command: str, program: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    assert fails(command, tmp_path / "none.cim") == (f"{tmp_path}/none.cim: cannot be read: no such file or directory")
    content = program.read_bytes()
    damaged = tmp_path / "damaged.cim"
    for bytes_left, message in (
        (b"", "the file is empty, expected a program made by cimc"),
        (b"something else entirely", "not a cimc program: expected a safetensors file"),
        (content[:-100], "truncated: "),
        (content[:1000], "truncated: "),
        (content[:-9] + b"\x00" + content[-8:], "damaged: "),
    ):
        damaged.write_bytes(bytes_left)
        assert fails(command, damaged).startswith(f"{damaged}: {message}")


def test_references_that_do_not_run(program: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "r.onnx").write_text("no network")
    assert run_program.main([str(program), "--check", str(tmp_path / "r.onnx")]) == 2
    expected = f"cimc: error: {tmp_path}/r.onnx: ONNX Runtime cannot run the model: "
    assert capsys.readouterr().err.startswith(expected)


def test_a_check_that_fails(program: Path, network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The original is no reference: the program computes with 8-bit numbers."""
    assert run_program.main([str(program), "--check", str(network), "--dim", "n=3"]) == 1
    printed = capsys.readouterr().out
    assert "check: output y differs in " in printed
    assert " of 18 values by up to 0.0" in printed


def test_errors_in_a_program_name_its_file(program: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    """Those too that show only when it is about to run, or is reported on."""
    file, made = tmp_path / "q.cim", Program.load(program)
    replace(made, stages=[replace(stage, start_ps=1 << 61) for stage in made.stages]).save(file)
    for command in ("cim-run", "cim-report"):
        assert fails(command, file).startswith(f"{file}: ")
    chip = replace(made.chip, details={**made.chip.details, "dac_pj": "much"})
    replace(made, chip=chip).save(file)
    assert fails("cim-report", file).startswith(f'{file}: damaged: chip dac_pj = "much": expected a number from 0 to ')


def test_a_network_on_standard_input(fails: Callable[..., str]) -> None:
    assert fails("cim-opt", "-f", "onnx") == (
        "an ONNX network is read from a file, not from standard input: expected its name"
    )


def test_names_that_no_file_can_have(program: Path, network: Path, fails: Callable[..., str]) -> None:
    name = "n" * 5000
    for arguments in (
        ("cimc", name),
        ("cimc", network, "-o", name),
        ("cimc", network, "--chip", name),
        ("cimc", network, "--chip", f"{name}.toml"),
        ("cimc", network, "--reference", name),
        ("cimc", network, "--keep-ir", name),
        ("cimc", network, "--calibrate", name),
        ("cim-opt", name + ".mlir"),
        ("cim-opt", network, "-o", name),
        ("cim-run", name),
        ("cim-run", program, "--inputs", name),
        ("cim-run", program, "--outputs", name),
        ("cim-report", program, "--png", name),
        ("cim-sweep", network, "--grid", name),
        ("cim-sweep", network, "--grid", program, "--out", name),
    ):
        assert len(fails(*arguments)) <= 500


DEEP = 5000
NO_MODULES = {
    '"' + "a" * DEEP: "m.mlir:1:1: End of file reached before closing string literal.",
    "builtin.module {" * DEEP + "}" * DEEP: "m.mlir: not a module that can be read: it is nested too deeply",
    "builtin.module {} loc(" + "callsite(" * DEEP: "m.mlir: not a module that can be read: it is nested too deeply",
    '"builtin.module"() ({}) {a = ' + "[" * DEEP: "m.mlir: not a module that can be read: it is nested too deeply",
    "func.func @f(%x: tensor<99999999999999999999xf32>) { func.return }": (
        "func.func: a value has type tensor<99999999999999999999xf32>: expected dimensions of at most 2147483647"
    ),
    "func.func @f(%x: i99999999) { func.return }": (
        "func.func: a value has type i99999999: expected integers of at most 64 bits"
    ),
    f"func.func @f(%x: tensor<{'9' * DEEP}xf32>) {{ func.return }}": "m.mlir: not a module that can be read: Exceeds",
    '"builtin.module"() ({}) {a = dense<1.0> : tensor<9999999999999999999999xf32>} : () -> ()': (
        "m.mlir: not a module that can be read: cannot fit 'int' into an index-sized integer"
    ),
}


@pytest.mark.parametrize("text", NO_MODULES, ids=range(len(NO_MODULES)))
def test_texts_that_are_no_modules(text: str, fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "m.mlir").write_text(text)
    assert NO_MODULES[text] in fails("cim-opt", tmp_path / "m.mlir")


WRONG_MODULES = {
    "builtin.module { func.func @main() { func.return } } }": "m.mlir:1:54: ",
    "builtin.module {": "m.mlir:1:17: ",
    "builtin.module { }": "the module has no function @main, which is the network to compile",
}


@pytest.mark.parametrize("text", WRONG_MODULES)
def test_wrong_modules(text: str, fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "m.mlir").write_text(text)
    assert WRONG_MODULES[text] in fails("cim-opt", tmp_path / "m.mlir", "-p", "fold-constants")


def test_passes_that_are_unknown_or_too_early(network: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    assert "no-such-pass" in fails("cim-opt", network, "-p", "no-such-pass")
    assert "run quantize first" in fails("cim-opt", network, "--chip", "tiny-4", "-p", "tile-blocks")
    assert "square" in fails("cim-opt", network, "-p", "place-tiles{mapping=square}")
    assert fails("cim-opt", tmp_path / "none.mlir") == f"{tmp_path}/none.mlir: no such file or directory"


def test_modules_with_tiles_where_none_fit(
    network: Path, fails: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What a file says is its own mistake, not one of the pass that finds it."""
    assert optimize.main([str(network), "--chip", "tiny-4", "-p", f"{UP_TO_TILES},place-tiles"]) == 0
    placed = capsys.readouterr().out
    assert "in array 0 at row 0, column 0" in placed
    (tmp_path / "m.mlir").write_text(placed.replace("in array 0 at row 0,", "in array 0 at row 1,"))
    message = fails("cim-opt", tmp_path / "m.mlir", "-p", "schedule-arrays")
    assert message.startswith(f"{tmp_path}/m.mlir: node array.multiply: a tile lies outside array 0: run place-tiles")


UP_TO_TILES = "fold-constants,raise-matmul,quantize,tile-blocks"
