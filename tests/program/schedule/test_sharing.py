"""Which activations spoil a sum: all at once against cell by cell (S2, S3). Messages are tested in test_checker.py."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from cimc.program.metadata import Timing
from cimc.program.program import Program
from cimc.program.records import Records, multiply_records
from cimc.program.schedule import sharing
from cimc.program.schedule.sharing import first_wrong
from cimc.program.times.timing import activations_of

TIMING = Timing(1, tuple(range(1, 9)), 1, 1, 1, 0, 4)
SIDES = 4, 8
"""Rows and columns of an array."""


def rectangle(random: Random) -> tuple[int, int, int, int]:
    """Row, column, rows and columns."""
    row, column = random.randrange(SIDES[0]), random.randrange(SIDES[1])
    return row, column, random.randint(1, min(2, SIDES[0] - row)), random.randint(1, min(3, SIDES[1] - column))


def spoils(records: Records, cells: np.ndarray) -> bool:
    """Whether records that start together in an array spoil a sum, looked at cell by cell."""
    driven: dict[int, set[tuple[int, int]]] = {}
    for record in records:
        for i in range(record["rows"]):
            driven.setdefault(int(record["row"]) + i, set()).add((int(record["x"]), int(record["k"]) + i))
    converted = [int(record["column"]) + i for record in records for i in range(record["columns"])]
    foreign = [
        cells[row, int(record["column"]) + i]
        for record in records
        for i in range(record["columns"])
        for row in driven
        if not record["row"] <= row < record["row"] + record["rows"]
    ]
    return any(foreign) or len(set(converted)) < len(converted) or any(len(drives) > 1 for drives in driven.values())


def random_program(program: Program, random: Random) -> Program:
    """Some activations in two arrays of 4x8, most of few records, and tiles that lie anywhere."""
    tiles = [(0, random.randrange(2), *rectangle(random), 0, 0) for _ in range(random.randint(1, 6))]
    records: list[Records] = []
    for start in range(random.randint(1, 4)):
        for _ in range(random.choice([1, 2, 2, 3])):
            row, column, rows, columns = rectangle(random)
            records.append(
                multiply_records(
                    stage=0, x=random.choice([2, 2, 3]), y=3, array=random.randrange(2), n=0, row=row, column=column,
                    k=row + random.choice([0, 0, 0, 1]), rows=rows, columns=columns, adc_bits=1, bound=0, start=start,
                )
            )  # fmt: skip
    return replace(program, tiles=np.array(tiles, np.int32), instructions=np.concatenate(records))


@pytest.mark.parametrize("together", [1, 1 << 21])
def test_as_cell_by_cell(handmade: Program, together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_TOGETHER", together)
    verdicts: list[bool] = []
    for seed in range(400):
        program = random_program(handmade, Random(seed))
        activations, cells = activations_of(program, TIMING), np.zeros((2, *SIDES), np.bool_)
        for _, array, row, column, rows, columns, _, _ in program.tiles.tolist():
            cells[array, row : row + rows, column : column + columns] = True
        own = [program.instructions[activations.of_record == i] for i in range(len(activations.array))]
        wrong = [i for i, array in enumerate(activations.array) if spoils(own[i], cells[array])]
        assert first_wrong(program, activations) == (wrong[0] if wrong else None)
        verdicts.append(not wrong)
    assert 0.1 < np.mean(verdicts) < 0.9


def test_nothing_shared_spoils_nothing(handmade: Program) -> None:
    program = replace(handmade, instructions=handmade.instructions[:0])
    assert first_wrong(program, activations_of(program, TIMING)) is None
