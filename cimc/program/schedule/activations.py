"""Legality of activations: one at a time in an array, each of its sums as if it were alone."""

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.copies import copies_of_values
from cimc.program.arrays.tiles import programmed_cells
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.schedule.sharing import first_wrong
from cimc.program.times.timing import Activations, Numbers


def verify_activations(program: Program, activations: Activations) -> None:
    """Raises ProgramError unless every record converts what it would convert alone, by ADCs that are free."""
    _verify_turns_of_copies(program, activations)
    _verify_sharing(program, activations)
    _verify_turns(activations)


def _verify_turns(activations: Activations) -> None:
    """An array, and with it its ADCs, does one activation at a time (S1)."""
    order = np.lexsort([activations.start, activations.array])
    array, start = activations.array[order], activations.start[order]
    end = start + activations.duration[order]
    for i in np.flatnonzero((array[1:] == array[:-1]) & (start[1:] < end[:-1]))[:1].tolist():
        first, second = (_record(activations, int(order[j])) for j in (i, i + 1))
        raise ProgramError(f"record {second} uses array {array[i]} before record {first} is done with it")


def _record(activations: Activations, activation: int) -> int:
    return int(activations.records[np.argmax(activations.of_record == activation)])


def _verify_sharing(program: Program, activations: Activations) -> None:
    """Records that start together in one array do not disturb each other (S2, S3)."""
    wrong = first_wrong(program, activations)
    if wrong is not None:
        tiles = program.tiles[program.tiles[:, 1] == activations.array[wrong]]
        programmed = programmed_cells(tiles, program.chip.rows, program.chip.columns)
        _verify_activation(program, activations.records[activations.of_record == wrong], programmed)
        raise AssertionError(f"activation {wrong} disturbs no sum")


def _verify_turns_of_copies(program: Program, activations: Activations) -> None:
    """Records of one activation are for the same vectors: all of the same copy of equally many (I25)."""
    own = program.instructions[activations.records]
    copies = copies_of_values(program.multiplications, program.weights, program.slots)[own["y"]]
    turn = np.stack([own["flags"].astype(np.int64), copies], axis=1)
    first = np.zeros((len(activations.array), 2), np.int64)
    first[activations.of_record[::-1]] = turn[::-1]
    wrong = (turn != first[activations.of_record]).any(axis=1)
    for i in np.flatnonzero(wrong)[:1].tolist():
        other = first[activations.of_record[i]]
        found = f"record {activations.records[i]} is of copy {turn[i, 0]} of {turn[i, 1]}"
        raise ProgramError(f"{found}, it starts with one of copy {other[0]} of {other[1]}")


def _verify_activation(program: Program, group: Numbers, programmed: NDArray[np.bool_]) -> None:
    """Records that start together in one array: one input a row, each column once (S2), no foreign cells (S3)."""
    names = ("x", "k", "row", "rows", "column", "columns")
    rows_of: list[slice] = []
    columns_of: list[slice] = []
    driver = np.full((program.chip.rows, 2), -1, np.int64)
    converted = np.zeros(program.chip.columns, np.bool_)
    for number in group.tolist():
        x, k, row, rows, column, columns = (int(program.instructions[name][number]) for name in names)
        at, across = slice(row, row + rows), slice(column, column + columns)
        drives = np.stack([np.full(rows, x), np.arange(k, k + rows)], axis=1)
        if ((driver[at] >= 0) & (driver[at] != drives)).any():
            raise ProgramError(f"record {number} drives rows that another record drives with other inputs")
        if converted[across].any():
            raise ProgramError(f"record {number} converts columns that another record converts")
        driver[at], converted[across] = drives, True
        rows_of.append(at)
        columns_of.append(across)
    active = driver[:, 0] >= 0
    for number, at, across in zip(group.tolist(), rows_of, columns_of):
        foreign = active.copy()
        foreign[at] = False
        if programmed[foreign, across].any():
            raise ProgramError(f"record {number} converts columns with cells of rows that another record drives")
