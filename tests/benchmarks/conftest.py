"""What benchmarks share: rows of `bench.json`, and programs of random weights in the shape of a network."""

import json
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from llvmlite import binding
from numpy.typing import NDArray

from cimc.program.metadata import Chip, Input, Multiplication, Value, Weight
from cimc.program.program import Program
from cimc.program.records import Records, clear_record, multiply_records
from passes.analysis.places import Placement

ROOT = Path(__file__).parents[2]
CPU_INFO = Path("/proc/cpuinfo")
FEATURES = ("avx2", "avxvnni", "avx512f", "avx512vnni", "avx512vpopcntdq", "amx-int8", "neon", "dotprod")
SIDE = 256


@dataclass(frozen=True)
class Row:
    """One figure: `seconds` were measured on `processor`, `ratio` is what they are of `against`; at most `target` is
    wanted."""

    name: str
    ratio: float | None
    against: str
    target: float | None
    seconds: float | None
    processor: str

    def __str__(self) -> str:
        verdict = (
            "" if self.ratio is None or self.target is None else ("met" if self.ratio <= self.target else "MISSED")
        )
        ratio = "" if self.ratio is None else f"{self.ratio:.3g}"
        target = "" if self.target is None else f"{self.target:g}"
        ms = "" if self.seconds is None else f"{1e3 * self.seconds:.3f}"
        return f"{self.name:<62} {ms:>12} {ratio:>8} {target:>7} {verdict:<7} {self.against}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--table", default="bench.json", help="the file, below the project's folder, that gets the rows")


@cache
def processor() -> str:
    """The processor's name, and what it has that fast loops can use."""
    names = [platform.processor() or platform.machine()]
    if CPU_INFO.is_file():
        lines = (line.partition(":") for line in CPU_INFO.read_text().splitlines())
        names = [value.strip() for name, _, value in lines if name.strip() == "model name"] or names
    features = binding.get_host_cpu_features()
    return f"{names[0]}: {', '.join(name for name in FEATURES if features.get(name))}"


@pytest.fixture(scope="session")
def row(pytestconfig: pytest.Config) -> Iterator[Callable[..., None]]:
    """Adds a row: `row(name, seconds=..., ratio=..., against="what the ratio is of", target=...)`, all but the name
    optional. When all benchmarks are done, the rows are printed as a table and written to bench.json, or to the file
    that `--table` names."""
    rows: list[Row] = []

    def add(
        name: str,
        *,
        seconds: float | None = None,
        ratio: float | None = None,
        against: str = "",
        target: float | None = None,
    ) -> None:
        rows.append(Row(name, ratio, against, target, seconds, processor()))

    yield add
    print(f"\n\n{processor()}")
    print(f"{'':<62} {'ms':>12} {'ratio':>8} {'at most':>7} {'':<7} against")
    print(*rows, sep="\n")
    file = ROOT / str(pytestconfig.getoption("--table"))
    file.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


@pytest.fixture(scope="session")
def make_program() -> Callable[..., Program]:
    """`make_program(placements, adc_bits)`: a program that multiplies by weights of random numbers, one after another.

    It has one input for each number of rows and one output for each weight; all conversions are of `adc_bits`.
    """
    return _make_program


def _make_program(placements: Sequence[Placement], adc_bits: int) -> Program:
    generator = np.random.default_rng(0)
    count = 1 + max(int(placement.places[:, 0].max()) for placement in placements)
    arrays = np.zeros((count, SIDE, SIDE), np.int8)
    sizes = [tuple((p.tiles[:, :2] + p.tiles[:, 2:]).max(axis=0).tolist()) for p in placements]
    lengths = sorted({rows for rows, _ in sizes})
    first = len(lengths)
    records: list[Records] = []
    tables: list[NDArray[np.int64]] = []
    for number, (placement, (rows, columns)) in enumerate(zip(placements, sizes, strict=True)):
        tiles, places = placement.tiles, placement.places
        values = {"stage": number, "x": lengths.index(rows), "y": first + number}
        records.append(clear_record(**values, n=columns))
        records.append(
            multiply_records(
                **values, array=places[:, 0], k=tiles[:, 0], n=tiles[:, 1], row=places[:, 1], column=places[:, 2],
                rows=tiles[:, 2], columns=tiles[:, 3], adc_bits=adc_bits, bound=0,
            )
        )  # fmt: skip
        tables.append(np.column_stack([np.full(len(tiles), number), places, tiles[:, 2:], tiles[:, :2]]))
        for array, row, column, height, width in tables[-1][:, 1:6].tolist():
            weights = np.rint(generator.normal(0, 32, (height, width))).clip(-127, 127)
            arrays[array, row : row + height, column : column + width] = weights
    program = Program(
        Chip("pcm", SIDE, SIDE, 2, 1, 9, 8, "offset"),
        arrays,
        np.concatenate(tables).astype(np.int32),
        np.concatenate(records),
        inputs=[Input(f"x{rows}", "uint8", (None, rows), slot) for slot, rows in enumerate(lengths)],
        outputs=[Value(f"y{i}", "int32", (None, columns), first + i) for i, (_, columns) in enumerate(sizes)],
        slots=first + len(sizes),
        weights=[Weight(f"w{i}", rows, columns) for i, (rows, columns) in enumerate(sizes)],
        multiplications=[Multiplication(first + i, lengths.index(rows), i) for i, (rows, _) in enumerate(sizes)],
    )
    program.verify()
    return program
