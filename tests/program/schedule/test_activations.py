"""Activations: what may start together in an array, and what may follow. Messages are tested in test_checker.py."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.program.errors import ProgramError
from cimc.program.metadata import Multiplication, Timing, Weight
from cimc.program.program import Program
from cimc.program.records import Opcode, Records, multiply_records
from cimc.program.schedule.activations import verify_activations
from cimc.program.times.timing import activations_of

TIMING = Timing(10, tuple(range(1, 9)), 100, 20, 1, 0, 4)
"""A plane of two columns to one bit takes 12 ps."""


def record(
    start: int, row: int, column: int, *, k: int = 0, array: int = 1, rows: int = 2, columns: int = 2
) -> Records:
    return multiply_records(
        stage=0, x=2, y=3, array=array, k=k, n=0, row=row, column=column, rows=rows, columns=columns, adc_bits=1,
        bound=0, start=start,
    )  # fmt: skip


def is_legal(program: Program, *records: Records, tiles: list[tuple[int, ...]]) -> bool:
    """Whether records can run as they start, in arrays of 4x8 whose `tiles` are (row, column, rows, columns)."""
    table = np.array([(0, 1, row, column, rows, columns, 0, 0) for row, column, rows, columns in tiles], np.int32)
    changed = replace(program, tiles=table, instructions=np.concatenate(records))
    try:
        verify_activations(changed, activations_of(changed, TIMING))
    except ProgramError:
        return False
    return True


DIAGONAL = [(0, 0, 2, 2), (2, 2, 2, 2)]
PLANES = 8


def test_blocks_on_the_diagonal_may_run_together(handmade: Program) -> None:
    assert is_legal(handmade, record(0, 0, 0), record(0, 2, 2, k=2), tiles=DIAGONAL)


def test_columns_with_cells_of_rows_that_are_driven_too_may_not(handmade: Program) -> None:
    assert not is_legal(handmade, record(0, 0, 0), record(0, 2, 2, k=2), tiles=[*DIAGONAL, (0, 2, 1, 1)])
    assert is_legal(handmade, record(0, 0, 0), record(0, 2, 2, k=2), tiles=[*DIAGONAL, (0, 4, 1, 1)])


@pytest.mark.parametrize(("k", "legal"), [(0, True), (1, False)])
def test_rows_may_serve_two_records_that_drive_them_with_the_same(handmade: Program, k: int, legal: bool) -> None:
    assert is_legal(handmade, record(0, 0, 0), record(0, 0, 2, k=k), tiles=[(0, 0, 2, 4)]) == legal


def test_a_column_is_converted_once(handmade: Program) -> None:
    assert not is_legal(handmade, record(0, 0, 0), record(0, 2, 1, k=2), tiles=DIAGONAL)


@pytest.mark.parametrize("k", [0, 2])
def test_tiles_at_one_place_take_turns(handmade: Program, k: int) -> None:
    """Whether they are multiplied by the same elements or by others."""
    tiles = [(0, 0, 2, 2), (0, 0, 2, 2)]
    assert not is_legal(handmade, record(0, 0, 0), record(0, 0, 0, k=k), tiles=tiles)
    assert not is_legal(handmade, record(0, 0, 0), record(12 * PLANES - 1, 0, 0, k=k), tiles=tiles)
    assert is_legal(handmade, record(0, 0, 0), record(12 * PLANES, 0, 0, k=k), tiles=tiles)


@pytest.mark.parametrize(("start", "legal"), [(12 * PLANES, True), (12 * PLANES - 1, False)])
def test_the_next_one_waits_for_the_adcs(handmade: Program, start: int, legal: bool) -> None:
    assert is_legal(handmade, record(0, 0, 0), record(start, 2, 0, k=2), tiles=[(0, 0, 4, 2)]) == legal
    assert is_legal(handmade, record(0, 0, 0), record(start, 2, 0, k=2, array=0), tiles=[(0, 0, 4, 2)])


def test_the_program_made_by_hand_has_multiplications(handmade: Program) -> None:
    multiplies = handmade.instructions[handmade.instructions["op"] == Opcode.MULTIPLY]
    tiles = [tuple(tile[2:6]) for tile in handmade.tiles.tolist()]
    assert is_legal(handmade, multiplies, tiles=tiles)


def test_copies_of_one_turn_start_together(handmade: Program) -> None:  # I25
    """Records of copy 1 of 2 beside each other; not one of copy 0, nor one of a weight without copies."""
    weights = [Weight("a", 4, 4, copies=2), Weight("b", 4, 4)]
    made = [Multiplication(3, 2, 0), Multiplication(4, 2, 1)]
    program = replace(handmade, weights=weights, multiplications=made)
    first, second = record(0, 0, 0), record(0, 2, 2, k=2)
    first["flags"] = second["flags"] = 1
    assert is_legal(program, first, second, tiles=DIAGONAL)
    second["flags"] = 0
    assert not is_legal(program, first, second, tiles=DIAGONAL)
    first["flags"], second["y"] = 0, 4
    changed = replace(program, instructions=np.concatenate([first, second]))
    with pytest.raises(ProgramError, match=r"^record 1 is of copy 0 of 1, it starts with one of copy 0 of 2$"):
        verify_activations(changed, activations_of(changed, TIMING))
