"""The fast engine's own affairs: threads, memory, and columns that are decided on apart."""

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.machine.fast import bit_counts
from cimc.machine.fast import engine as fast
from cimc.machine.fast.engine import FastEngine
from cimc.program.errors import ProgramError
from cimc.program.metadata import Chip, Input, Multiplication, Value, Weight
from cimc.program.program import Program
from cimc.program.records import Records, clear_record, multiply_records

ROWS, COLUMNS = 64, 200
CHIP = Chip("test", ROWS, COLUMNS, 1, 1, 16, 1, "twos-complement")


def program(weights: NDArray[np.int8], adc_bits: int, records: Records | None = None) -> Program:
    """One weight in one array, in row groups of 32."""
    groups = multiply_records(
        stage=0, x=0, y=1, array=0, k=[0, 32], n=0, row=[0, 32], column=0, rows=32, columns=COLUMNS,
        adc_bits=adc_bits, bound=0,
    )  # fmt: skip
    made = Program(
        CHIP,
        weights[None],
        np.array([[0, 0, 0, 0, ROWS, COLUMNS, 0, 0]], np.int32),
        np.concatenate([clear_record(stage=0, x=0, y=1, n=COLUMNS), groups if records is None else records]),
        inputs=[Input("x", "uint8", (None, ROWS), 0)],
        outputs=[Value("y", "int32", (None, COLUMNS), 1)],
        slots=2,
        weights=[Weight("w", ROWS, COLUMNS)],
        multiplications=[Multiplication(1, 0, 0)],
    )
    made.verify()
    return made


def random_program(adc_bits: int) -> Program:
    return program(np.random.default_rng(0).integers(-128, 128, (ROWS, COLUMNS), dtype=np.int8), adc_bits)


def run(engine: FastEngine, vectors: int) -> tuple[NDArray[np.int32], int]:
    x = np.random.default_rng(1).integers(0, 256, (vectors, ROWS), dtype=np.uint8)
    y = np.zeros((vectors, COLUMNS), np.int32)
    return y, engine.multiply(0, len(engine.instructions), x, y)


@pytest.mark.parametrize("adc_bits", [4, 16])
@pytest.mark.parametrize("vectors", [1, 70])
def test_threads_give_the_same_bits(adc_bits: int, vectors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they share the cells (few vectors) or the vectors; more threads than pieces do no harm."""
    monkeypatch.setattr(fast, "SMALL", 1)
    expected, clipped = run(FastEngine(random_program(adc_bits), threads=1), vectors)
    assert bool(clipped) == (adc_bits == 4)
    for threads in (2, 3, 9):
        y, found = run(FastEngine(random_program(adc_bits), threads=threads), vectors)
        np.testing.assert_array_equal(y, expected)
        assert found == clipped


def test_small_work_has_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of larger work this thread does a part as well, here one of two."""
    engine = FastEngine(random_program(4), threads=2)
    shared: list[int] = []

    def share(function: Callable[..., int], *arguments: Iterable[Any]) -> list[int]:
        shared.extend(map(function, *arguments))
        return shared

    monkeypatch.setattr(engine.pool, "map", share)
    run(engine, 1)
    assert not shared
    clipped = run(engine, 100)[1]
    assert len(shared) == 1
    assert 0 < shared[0] < clipped


def test_column_groups_are_decided_on_apart() -> None:
    """One column of ones spoils the exactness of its 64 columns, and of no others."""
    weights = np.zeros((ROWS, COLUMNS), np.int8)
    weights[:32, 70] = 1
    image = FastEngine(program(weights, 5)).image
    assert image is not None
    found = [tuple(int(p[name]) for name in ("record", "column", "columns", "n", "exact")) for p in image.pieces]
    assert found == [(1, 0, 64, 0, 1), (1, 64, 64, 64, 0), (1, 128, 72, 128, 1), (2, 0, 200, 0, 1)]


def test_equal_cells_are_kept_once() -> None:
    """Two records of the same cells, here of two stages, share them."""
    records = random_program(16).instructions[1:]
    once, twice = (
        FastEngine(program(random_program(16).arrays[0], 16, np.concatenate([records] * times))) for times in (1, 2)
    )
    assert once.image is not None
    assert twice.image is not None
    assert twice.image.words.size == once.image.words.size
    np.testing.assert_array_equal(run(twice, 3)[0], 2 * run(once, 3)[0])


@pytest.mark.parametrize(
    ("adc_bits", "few_rows", "size"), [(16, 0, ROWS * 208), (4, ROWS, ROWS * 208), (4, 0, (ROWS + 2) * 224)]
)
def test_a_byte_a_weight_is_kept(adc_bits: int, few_rows: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns come in blocks of 16, or of 32 where logic counts; there each group of rows has one more."""
    monkeypatch.setattr(bit_counts, "FEW_ROWS", few_rows)
    image = FastEngine(random_program(adc_bits)).image
    assert image is not None
    assert image.words.nbytes == size


def test_cells_of_a_file_are_used_and_given_back(tmp_path: Path) -> None:
    random_program(4).save(tmp_path / "p.cim")
    expected = run(FastEngine(random_program(4)), 5)
    loaded = Program.load(tmp_path / "p.cim")
    for keep in (True, False, True):
        engine = FastEngine(loaded, keep=keep)
        y, clipped = run(engine, 5)
        np.testing.assert_array_equal(y, expected[0])
        assert clipped == expected[1]
        assert (engine.image is None) == (not keep)


def test_threads_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIMC_THREADS", "3")
    assert FastEngine(random_program(4)).threads == 3
    assert FastEngine(random_program(4), threads=2).threads == 2
    monkeypatch.delenv("CIMC_THREADS")
    assert FastEngine(random_program(4)).threads >= 1


@pytest.mark.parametrize("given", ["0", "9" * 5000, "two", "", "\N{SUPERSCRIPT TWO}"])
def test_threads_that_are_no_number(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIMC_THREADS", given)
    with pytest.raises(ProgramError) as error:
        FastEngine(random_program(4))
    assert str(error.value) == f"CIMC_THREADS is {given!r}, expected a number of at least 1, and at most 1024"


def test_too_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    for threads in (0, 100_000):
        with pytest.raises(ProgramError) as error:
            FastEngine(random_program(4), threads=threads)
        assert str(error.value) == f"{threads} threads are asked for, expected 1 to 1024"

    def start(self: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("cimc.machine.fast.engine.SMALL", 1)
    monkeypatch.setattr(Thread, "start", start)
    with pytest.raises(ProgramError) as error:
        run(FastEngine(random_program(4), threads=9), 1)
    assert str(error.value) == "9 threads cannot be started, expected fewer: can't start new thread"
