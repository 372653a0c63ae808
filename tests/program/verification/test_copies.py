"""Every message about copies of weights, each from one change to a program with two that are cut in other ways."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cimc.machine.machine import EngineName, Machine
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode, multiply_records

Change = Callable[[Program], Program]


@pytest.fixture
def copied(handmade: Program) -> Program:
    """The weight of two tiles in array 1 once more, as one tile in array 0, and a record for it."""
    arrays, weights = handmade.arrays.copy(), list(handmade.weights)
    arrays[0, :4, 1:4] = np.concatenate([arrays[1, 2:4, 4:7], arrays[1, :2, 4:7]])
    tiles = np.concatenate([handmade.tiles, np.array([[0, 0, 0, 1, 4, 3, 0, 0]], np.int32)])
    more = multiply_records(
        stage=0, x=2, y=3, array=0, k=0, n=0, row=0, column=1, rows=4, columns=3, adc_bits=5, bound=20, start=0, copy=1
    )
    end = 1 + np.flatnonzero(handmade.instructions["op"] == Opcode.MULTIPLY)[-1]
    records = np.concatenate([handmade.instructions[:end], more, handmade.instructions[end:]])
    weights[0] = replace(weights[0], copies=2)
    return replace(
        handmade, arrays=arrays, weights=weights, tiles=tiles, instructions=records, offsets=np.full(9, 128, np.int16)
    )


def changed(array: str, place: tuple[int, ...], value: int) -> Change:
    """The program with another number somewhere in its arrays or tiles."""

    def change(program: Program) -> Program:
        numbers = getattr(program, array).copy()
        numbers[place] = value
        return replace(program, **{array: numbers})

    return change


def record(number: int, **fields: int) -> Change:
    def change(program: Program) -> Program:
        records = program.instructions.copy()
        for name, value in fields.items():
            records[name][number] = value
        return replace(program, instructions=records)

    return change


def copies(count: int) -> Change:
    def change(program: Program) -> Program:
        return replace(program, weights=[replace(program.weights[0], copies=count)])

    return change


def seldom(program: Program) -> Program:
    return replace(program, weights=[replace(program.weights[0], copies=count) for count in (7, 37, 1)])


def last_tile(*tile: int, **fields: Any) -> Change:
    def change(program: Program) -> Program:
        tiles = np.concatenate([program.tiles[:2], np.array([tile], np.int32)])
        return replace(program, tiles=tiles, offsets=np.full(6 + tile[5], 128, np.int16), **fields)

    return change


def beside(program: Program) -> Program:
    """The second copy in the array of the first one."""
    arrays = program.arrays.copy()
    arrays[1, :, :3], arrays[0] = arrays[0, :, 1:4], 0
    return last_tile(0, 1, 0, 0, 4, 3, 0, 0, arrays=arrays)(program)


def test_two_copies_are_good(copied: Program) -> None:
    copied.verify()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (copies(0), "weight 0 has 0 copies, expected 1 to 256"),
        (copies(512), "weight 0 has 512 copies, expected 1 to 256"),
        (copies(4), "weight 0 has tiles of 2 copies, expected 4"),
        (copies(3), "weight 0 has tiles of 2 copies, expected 3"),
        (seldom, "weights have 1, 7, 37 copies, whose turns repeat after 259 vectors, expected at most 256"),
        (copies(1), "record 5 is of copy 1, the weight has 1"),
        (record(5, flags=2), "record 5 is of copy 2, the weight has 2"),
        (record(5, flags=0), "record 5 is of copy 0 of weight 0, which has no array 0"),
        (record(3, flags=1), "record 3 is of copy 1 of weight 0, which has no array 1"),
        (changed("arrays", (0, 3, 2), 5), "copy 1 of weight 0 differs from copy 0 in array 0"),
        (beside, "copies 0 and 1 of weight 0 share array 1"),
        (last_tile(0, 0, 0, 1, 3, 3, 0, 0), "array 0 holds weights outside of its tiles"),
    ],
)
def test_messages(copied: Program, change: Change, message: str) -> None:
    with pytest.raises(ProgramError) as error:
        change(copied).verify()
    assert str(error.value) == message


def test_a_copy_holds_all_of_its_weight(copied: Program) -> None:
    """A row less, and nothing where it was."""
    arrays = copied.arrays.copy()
    arrays[0, 3] = 0
    with pytest.raises(ProgramError, match=r"^copy 1 of weight 0 holds other parts of it than copy 0$"):
        last_tile(0, 0, 0, 1, 3, 3, 0, 0, arrays=arrays)(copied).verify()


def test_no_part_of_a_copy_is_there_twice(copied: Program) -> None:
    tiles = copied.tiles.copy()
    tiles[1, 6] = 1
    with pytest.raises(ProgramError, match=r"^two tiles of a copy of weight 0 hold row 0, column 0$"):
        replace(copied, tiles=tiles).verify()


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_vectors_take_turns(engine: EngineName, handmade: Program, copied: Program) -> None:  # I25
    """Vector t is multiplied by copy t modulo 2: without the cells of copy 1, every second product is another."""
    x = {"x": np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)}
    expected = Machine(handmade, engine).run(x)["y"]
    machine = Machine(copied, engine)
    assert np.array_equal(machine.run(x)["y"], expected)
    # 8 planes of 4 slices of 3 columns: two row groups for vectors 0, 2 and 4, and one for 1 and 3.
    assert machine.conversions == {0: 8 * 4 * 3 * (2 * 3 + 2)}
    without = replace(copied, instructions=np.delete(copied.instructions, 5))
    assert (Machine(without, engine).run(x)["y"] != expected).any(axis=1).tolist() == [False, True, False, True, False]
