"""Looks for files that cimc's commands die of, or answer with anything but one line: `make fuzz`, and in the tests.

`fuzzer.py TARGET` runs the corpus (what was found before) and then changed files, the same for the same `--seed`. With
`--atheris` the changes are chosen by the code that they reach. What is found goes to `--folder`.
"""

import argparse
import contextlib
import faulthandler
import gc
import hashlib
import importlib
import importlib.util
import io
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import changes
import good_files

from cimc.commands import compile_model, dump_program, optimize, report_program, run_program, shared
from cimc.hardware.library import read_chip_file
from cimc.sweep.grid import read_grid
from dialects.errors import UserError

CORPUS = Path(__file__).parent / "corpus"
LIMIT = ("--time-limit", "1")
SECONDS_A_CASE = 120
MEMORY = 16 << 30
LONGEST_LINE = 500
ALL_PASSES = "fold-constants,raise-matmul,quantize,tile-blocks,place-tiles,schedule-arrays"


class Wrong(Exception):
    """A command that did not end as it should."""


def command(main: Callable[[Sequence[str]], int], *arguments: str | Path) -> int:
    """Runs a command: Wrong unless it ends with 0, or with an error and one line that is fit to be read.

    The code of an error is 1, and 2 of a check, where 1 is a difference.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    lines = [line for line in err.getvalue().split("\n")[:-1] if not line.startswith("cimc: note: ")]
    error = 2 if "--check" in arguments else 1
    if code not in (0, 1, error) or (code == 0 and lines):
        raise Wrong(f"exit code {code}: {err.getvalue()[:300]}")
    if code == error and out.getvalue().find("check: ") < 0:
        if len(lines) != 1 or not lines[0].startswith("cimc: error: "):
            raise Wrong(f"{len(lines)} lines: {err.getvalue()[:300]!r}")
        if len(lines[0]) > LONGEST_LINE or not lines[0].isprintable():
            raise Wrong(f"a line of {len(lines[0])}, or one that is not printable: {lines[0][:300]!r}")
    return code


def run_onnx(file: Path) -> None:
    program, reference = file.with_name("out.cim"), file.with_name("out.onnx")
    options = ("--chip", "tiny-4", "-o", program, "--reference", reference, *LIMIT)
    if command(compile_model.main, file, *options) == 0:
        command(run_program.main, program, "--check", reference, *LIMIT)


def run_cim(file: Path) -> None:
    command(run_program.main, file, "--threads", "1", *LIMIT)
    command(dump_program.main, file, "--listing")
    command(report_program.main, file)


def run_chip(file: Path) -> None:
    with contextlib.suppress(UserError):
        read_chip_file(file)
    network = file.with_name("network.onnx")
    network.write_bytes(good_files.networks()[0])
    command(compile_model.main, network, "--chip", file, "-o", file.with_name("out.cim"), *LIMIT)


def run_ir(file: Path) -> None:
    placed = b"array." in file.read_bytes()
    passes = (
        "schedule-arrays" if placed else "fold-constants,raise-matmul,quantize,tile-blocks,place-tiles,schedule-arrays"
    )
    command(optimize.main, file, "-p", passes)


def run_grid(file: Path) -> None:
    with contextlib.suppress(UserError):
        read_grid(file)


def run_npz(file: Path) -> None:
    network, program = file.with_name("network.onnx"), file.with_name("network.cim")
    network.write_bytes(good_files.networks()[0])
    program.write_bytes(good_files.programs()[0])
    command(run_program.main, program, "--inputs", file, "--threads", "1", *LIMIT)
    command(
        compile_model.main, network, "--calibrate", file, "--chip", "tiny-4", "-o", file.with_name("out.cim"), *LIMIT
    )


@dataclass(frozen=True)
class Target:
    """Something that reads files: good ones, what changes them, and the commands that must take whatever comes."""

    suffix: str
    seeds: Callable[[], Sequence[bytes]]
    change: Callable[[random.Random, bytes], bytes]
    run: Callable[[Path], None]


TARGETS = {
    "onnx": Target(".onnx", good_files.networks, changes.changed_model, run_onnx),
    "program": Target(".cim", good_files.programs, changes.changed_program, run_cim),
    "chip": Target(".toml", good_files.chips, changes.changed_text, run_chip),
    "ir": Target(".mlir", good_files.modules, changes.changed_text, run_ir),
    "grid": Target(".toml", good_files.grids, changes.changed_text, run_grid),
    "npz": Target(".npz", good_files.archives, changes.changed_bytes, run_npz),
}


def warm_up(place: Path) -> None:
    """Run a good program: the machine's loops are compiled once, which takes longer than a case may."""
    file = place / "good.cim"
    file.write_bytes(good_files.programs()[0])
    assert command(run_program.main, file, "--threads", "1") == 0


def cases(name: str, seed: int) -> Iterator[bytes]:
    """The corpus, the good files, and then changed ones without end."""
    target, known = TARGETS[name], [file.read_bytes() for file in sorted((CORPUS / name).iterdir())]
    yield from known
    seeds = [*target.seeds(), *known]
    yield from target.seeds()
    dice = random.Random(f"{name} {seed}")
    while True:
        yield target.change(dice, dice.choice(seeds))


def look(name: str, seed: int, count: int, seconds: float, folder: Path) -> int:
    """Run cases until `count` or `seconds` are over; how many went wrong, each kept in `folder`."""
    end, wrong, ran = time.monotonic() + seconds, set[str](), 0
    current = folder / f"current-{name}{TARGETS[name].suffix}"
    with tempfile.TemporaryDirectory() as place:
        warm_up(Path(place))
        for ran, content in enumerate(cases(name, seed)):
            if ran >= count or time.monotonic() > end:
                break
            current.write_bytes(content)  # if the process dies, this is what of
            kind = failure(name, content, Path(place))
            if kind is not None and kind not in wrong:
                wrong.add(kind)
                keep(name, content, folder, kind)
    current.unlink(missing_ok=True)
    print(f"{name}: {ran} cases, {len(wrong)} kinds of failure")
    return len(wrong)


def failure(name: str, content: bytes, place: Path) -> str | None:
    """How the commands failed on these contents, by kind; None if they did not."""
    target = TARGETS[name]
    file = place / f"case{target.suffix}"
    file.write_bytes(content)
    faulthandler.dump_traceback_later(SECONDS_A_CASE, exit=True)
    try:
        target.run(file)
    except Wrong as error:
        return str(error)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if "site-packages" not in f.filename] or frames
        return f"{type(error).__name__} at {Path(own[-1].filename).name}:{own[-1].lineno}: {str(error)[:200]}"
    finally:
        faulthandler.cancel_dump_traceback_later()
    return None


def keep(name: str, content: bytes, folder: Path, kind: str) -> None:
    """Keep what was found, and say so."""
    digest = hashlib.blake2b(content, digest_size=6).hexdigest()
    file = folder / f"{name}-{digest}{TARGETS[name].suffix}"
    file.write_bytes(content)
    print(f"{file}: {kind}", flush=True)


def look_everywhere(names: Sequence[str], seed: int, seconds: float, folder: Path) -> int:
    """Look in each target for a share of the time, half of it with atheris where that is installed.

    That happens in other processes; one that dies is begun anew.
    """
    guided = importlib.util.find_spec("atheris") is not None
    share, wrong = seconds / len(names) / (2 if guided else 1), 0
    for name in names:
        end = time.monotonic() + share
        while (left := end - time.monotonic()) > 0:
            code = itself(name, "--here", "--seconds", left, "--seed", seed, "--folder", folder)
            wrong += code != 0
            seed += 1
            current = folder / f"current-{name}{TARGETS[name].suffix}"
            if current.exists():
                keep(name, current.read_bytes(), folder, f"the process ended with {code}")
        if guided:
            wrong += itself(name, "--atheris", "--seconds", share, "--folder", folder) != 0
    return wrong


def itself(*arguments: object) -> int:
    """The exit code of this script, run with these arguments."""
    return subprocess.run([sys.executable, __file__, *map(str, arguments)]).returncode


def look_with_atheris(name: str, seconds: float, folder: Path) -> None:
    """Let atheris change files; it ends the process, with a file `crash-...` in `folder` for what it finds."""
    atheris: Any = importlib.import_module("atheris")  # an extra that `make fuzz` installs where there is a wheel of it
    target = TARGETS[name]
    seeds = folder / f"seeds-{name}"
    seeds.mkdir(exist_ok=True)
    for number, content in enumerate([*target.seeds(), *(f.read_bytes() for f in (CORPUS / name).iterdir())]):
        (seeds / f"{number}{target.suffix}").write_bytes(content)
    with tempfile.TemporaryDirectory() as place:
        warm_up(Path(place))
    for function in functions_of_ours():
        atheris.instrument_func(function)

    def change(data: bytes, longest: int, seed: int) -> bytes:
        with contextlib.suppress(Exception):  # what is no file of this kind any more is changed byte by byte
            return target.change(random.Random(seed), data)[:longest]
        return changes.changed_bytes(random.Random(seed), data)[:longest]

    def one(data: bytes) -> None:
        kind = failure(name, data, Path(place))
        if kind is not None:
            raise Wrong(kind)

    with tempfile.TemporaryDirectory() as place:
        options = [f"-max_total_time={int(seconds)}", f"-artifact_prefix={folder}/", "-timeout=120", "-max_len=200000"]
        atheris.Setup([sys.argv[0], *options, str(seeds)], one, custom_mutator=change)
        atheris.Fuzz()


def functions_of_ours() -> list[FunctionType]:
    """Those whose course counts; compiled loops have none to follow."""
    functions = [found for found in gc.get_objects() if isinstance(found, FunctionType)]
    ours = [f for f in functions if str(f.__module__).partition(".")[0] in ("cimc", "dialects", "files", "passes")]
    return [f for f in ours if not f.__module__.startswith("cimc.machine.fast")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--cases", type=int, default=1 << 60, help="changed or not, of one target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("out/fuzz"), help="where to keep what is found")
    parser.add_argument("--atheris", action="store_true", help="choose changes by what they reach, in one target")
    parser.add_argument("--here", action="store_true", help="in this process, one target")
    arguments = parser.parse_args()
    names = arguments.targets or list(TARGETS)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    shared.GRACE = 60.0  # what goes on must not end this process
    if arguments.atheris:
        look_with_atheris(names[0], arguments.seconds, arguments.folder)
        return 0
    if arguments.here:
        return int(look(names[0], arguments.seed, arguments.cases, arguments.seconds, arguments.folder) > 0)
    return int(look_everywhere(names, arguments.seed, arguments.seconds, arguments.folder) > 0)


if __name__ == "__main__":
    sys.exit(main())
