"""Spot checks: how many records, and what is said of one that adds or clips something else."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.machine.engine import Inputs
from cimc.machine.fast.engine import FastEngine
from cimc.machine.machine import Machine
from cimc.machine.reference import ReferenceEngine
from cimc.machine.spot_check import SpotCheckedEngine
from cimc.program.errors import ProgramError
from cimc.program.program import Program

INPUTS = {"x": np.full((2, 4), 2.5, np.float32)}


class WrongEngine(ReferenceEngine):
    """Adds 1 too much to element 2 of vector 1, and counts `too_many` clipped conversions more."""

    addend = 1
    too_many = 0

    def multiply(self, first: int, last: int, x: Inputs, y: NDArray[np.int32]) -> int:
        clipped = super().multiply(first, last, x, y)
        y[1, 2] += self.addend
        return clipped + self.too_many


def checked(program: Program, engine: FastEngine | ReferenceEngine, percent: float) -> SpotCheckedEngine:
    """An engine whose records the user knows by numbers ten times as large."""
    return SpotCheckedEngine(
        engine, ReferenceEngine(program), 10 * np.arange(len(program.instructions)), percent, seed=1
    )


@pytest.mark.parametrize(("percent", "count"), [(0.01, 1), (50, 1), (100, 2)])
def test_records_are_chosen(handmade: Program, percent: float, count: int) -> None:
    engine = checked(handmade, FastEngine(handmade), percent)
    assert len(engine.chosen) == count
    assert set(engine.chosen.tolist()) <= {3, 4}
    y, expected = np.zeros((2, 2, 3), np.int32)
    x = np.arange(8, dtype=np.uint8).reshape(2, 4)
    assert engine.multiply(3, 5, x, y) == engine.reference.multiply(3, 5, x, expected)
    np.testing.assert_array_equal(y, expected)


def test_another_seed_checks_others(handmade: Program) -> None:
    engines = [Machine(handmade, spot_check=50, seed=seed).engine for seed in range(8)]
    chosen = [engine.chosen.tolist() for engine in engines if isinstance(engine, SpotCheckedEngine)]
    assert sorted({number for (number,) in chosen}) == [3, 4]


def test_no_record_is_chosen_twice(handmade: Program) -> None:
    engines = [Machine(handmade, spot_check=100, seed=seed).engine for seed in range(8)]
    chosen = [engine.chosen.tolist() for engine in engines if isinstance(engine, SpotCheckedEngine)]
    assert chosen == [[3, 4]] * 8


def test_of_no_vectors_nothing_is_checked(handmade: Program) -> None:
    engine = checked(handmade, FastEngine(handmade), 100)
    engine.multiply(3, 5, np.zeros((0, 4), np.uint8), np.zeros((0, 3), np.int32))
    assert str(engine) == "spot check: 0 of 2 MULTIPLY records add the same in the reference engine"


def test_records_are_checked_once(handmade: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a second run takes the time that it takes without checks."""
    engine = checked(handmade, FastEngine(handmade), 100)
    x, y = np.zeros((2, 4), np.uint8), np.zeros((2, 3), np.int32)
    engine.multiply(3, 4, x, y)
    assert str(engine) == "spot check: 1 of 2 MULTIPLY records add the same in the reference engine"
    engine.multiply(3, 5, x, y)
    assert str(engine).startswith("spot check: 2 of 2 ")
    monkeypatch.setattr(ReferenceEngine, "multiply", None)
    engine.multiply(3, 5, x, y)


def test_in_a_machine(handmade: Program) -> None:
    expected = Machine(handmade).run(INPUTS)["y"]
    machine = Machine(handmade, spot_check=100)
    np.testing.assert_array_equal(machine.run(INPUTS)["y"], expected)
    assert str(machine.engine) == "spot check: 2 of 2 MULTIPLY records add the same in the reference engine"


def test_a_record_that_adds_something_else(handmade: Program) -> None:
    engine = checked(handmade, WrongEngine(handmade), 100)
    with pytest.raises(ProgramError) as error:
        engine.multiply(3, 5, np.zeros((2, 4), np.uint8), np.zeros((2, 3), np.int32))
    assert str(error.value) == "spot check: record 30 adds 1 to element 2 of vector 1, 0 in the reference engine"


def test_a_record_that_clips_something_else(handmade: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WrongEngine, "addend", 0)
    monkeypatch.setattr(WrongEngine, "too_many", 5)
    engine = checked(handmade, WrongEngine(handmade), 100)
    with pytest.raises(ProgramError) as error:
        engine.multiply(4, 5, np.zeros((2, 4), np.uint8), np.zeros((2, 3), np.int32))
    assert str(error.value) == "spot check: record 40 clips 5 conversions, 0 in the reference engine"


def test_without_multiplications(handmade: Program) -> None:
    handmade.instructions = handmade.instructions[:2]
    handmade.outputs = []
    machine = Machine(handmade, spot_check=1)
    machine.run(INPUTS)
    assert str(machine.engine).startswith("spot check: 0 of 0 ")
