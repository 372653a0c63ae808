"""Additions of partial sums: any order that waits for its operands is legal, nothing earlier, nothing left out.

Their messages are tested with whole programs, in test_checker.py.
"""

from dataclasses import replace
from heapq import heapify, heappop, heappush

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.program.errors import ProgramError
from cimc.program.metadata import Chip, Source
from cimc.program.program import Program
from cimc.program.records import Records, add_records, multiply_records
from cimc.program.schedule.sums import verify_sums

ADD_PS = 20
BLANK = Program(
    chip=Chip("tiny", 4, 8, 2, 1, 8, 1, "offset"), arrays=np.zeros((0, 4, 8), np.int8),
    tiles=np.zeros((0, 8), np.int32), instructions=np.zeros(0, multiply_records(
        stage=0, x=0, y=0, array=0, k=0, n=0, row=0, column=0, rows=1, columns=1, adc_bits=1, bound=0).dtype),
    tables=[], kernels=[], constants=[], inputs=[], outputs=[], slots=2, weights=[], multiplications=[], stages=[],
    compiler="", source=Source("", ""),
)  # fmt: skip


def part(array: int, column: int = 0, n: int = 0, columns: int = 4) -> Records:
    return multiply_records(
        stage=0, x=0, y=1, array=array, k=0, n=n, row=0, column=column, rows=1, columns=columns, adc_bits=1, bound=0
    )


def addition(start: int, n: int = 0, columns: int = 4) -> Records:
    return add_records(stage=0, x=0, y=1, unit=0, n=n, columns=columns, start=start)


def is_legal(records: list[Records], ends: list[int]) -> bool:
    """Whether additions fit partial sums that are there at `ends`, one for each MULTIPLY record."""
    program = replace(BLANK, instructions=np.concatenate(records))
    all_ends = np.zeros(len(program.instructions), np.int64)
    all_ends[: len(ends)] = ends
    try:
        verify_sums(program, ADD_PS, all_ends)
    except ProgramError:
        return False
    return True


def earliest(ends: list[int]) -> list[int]:
    """Starts of additions, each as soon as the two sums that are there first are."""
    ready, starts = list(ends), list[int]()
    heapify(ready)
    while len(ready) > 1:
        starts.append(max(heappop(ready), heappop(ready)))
        heappush(ready, starts[-1] + ADD_PS)
    return starts


@given(st.lists(st.integers(0, 100), min_size=1, max_size=8), st.integers(0, 30))
def test_additions_as_early_as_can_be_are_legal_and_later_ones_too(ends: list[int], later: int) -> None:
    parts = [part(array) for array in range(len(ends))]
    assert is_legal([*parts, *(addition(start) for start in earliest(ends))], ends)
    assert is_legal([*parts, *(addition(start + later) for start in earliest(ends))], ends)


@given(st.lists(st.integers(0, 100), min_size=2, max_size=8), st.data())
def test_nothing_may_be_earlier_missing_or_too_much(ends: list[int], data: st.DataObject) -> None:
    parts, starts = [part(array) for array in range(len(ends))], earliest(ends)
    chosen = data.draw(st.integers(0, len(starts) - 1))
    others = [addition(start) for i, start in enumerate(starts) if i != chosen]
    assert not is_legal([*parts, *others], ends)
    assert not is_legal([*parts, *others, addition(starts[chosen]), addition(1000)], ends)
    if starts[chosen] > 0 and len(ends) == 2:
        assert not is_legal([*parts, *others, addition(starts[chosen] - 1)], ends)


def test_rows_of_one_column_of_an_array_are_one_partial_sum() -> None:
    assert is_legal([part(0), part(0), part(1), addition(30)], [10, 30, 20])
    assert not is_legal([part(0), part(0), part(1), addition(29)], [10, 30, 20])


def test_columns_of_one_array_that_lie_apart_are_two() -> None:
    assert not is_legal([part(0), part(0, column=4)], [0, 0])
    assert is_legal([part(0), part(0, column=4), addition(0)], [0, 0])


@pytest.mark.parametrize(("n", "columns", "legal"), [(2, 2, True), (2, 1, False), (1, 3, False), (0, 4, False)])
def test_only_elements_with_two_parts_are_added(n: int, columns: int, legal: bool) -> None:
    assert is_legal([part(0), part(1, n=2, columns=2), addition(0, n, columns)], [0, 0]) == legal


def test_elements_may_be_added_in_pieces() -> None:
    halves = [addition(0, 0, 2), addition(5, 2, 2)]
    assert is_legal([part(0), part(1), *halves], [0, 0])
    assert not is_legal([part(0), part(1), *halves[:1]], [0, 0])
