"""Registers: as many stages at a time as there are sets, in their order."""

import numpy as np
import pytest

from passes.schedule_arrays.analysis.registers import Registers


def some(*arrays: int) -> np.ndarray:
    return np.array(arrays, np.int64)


def test_one_stage_at_a_time() -> None:
    registers = Registers(3, 1)
    first, second = registers.turns(some(0, 1)), registers.turns(some(1, 2))
    assert registers.take(some(0, 1), first, (0, 0))
    assert not registers.take(some(1, 2), second, (1, 0))
    assert registers.awake(some(0)) == []
    registers.give_back(some(1))
    assert registers.awake(some(0, 1)) == [(1, 0)]
    assert registers.take(some(1, 2), second, (1, 0))


@pytest.mark.parametrize(("buffers", "third_may"), [(1, False), (2, False), (3, True)])
def test_as_many_as_there_are_sets(buffers: int, third_may: bool) -> None:
    registers = Registers(1, buffers)
    turns = [registers.turns(some(0)) for _ in range(3)]
    assert registers.take(some(0), turns[0], (0, 0))
    assert registers.take(some(0), turns[1], (1, 0)) == (buffers > 1)
    assert registers.take(some(0), turns[2], (2, 0)) == third_may


def test_stages_have_their_turns() -> None:
    """Else each of two stages could take what the other one still needs."""
    registers = Registers(2, 1)
    first, second = registers.turns(some(0, 1)), registers.turns(some(0, 1))
    assert registers.take(some(0), first[:1], (0, 0))
    assert not registers.take(some(1), second[1:], (1, 0))
    assert registers.take(some(1), first[1:], (0, 1))
    assert registers.awake(some(1)) == [(1, 0)]


def test_no_arrays_are_always_free() -> None:
    assert Registers(0, 1).take(some(), some(), (0, 0))
