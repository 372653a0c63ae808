"""Activations: who runs together in an array, and when."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.errors import UserError
from passes.analysis.stages.activations import Occupancy, bits, start_times
from passes.analysis.timing import ArrayTimes

Table = npt.NDArray[np.int64]

TIMES = ArrayTimes(settle_ps=100, adcs=2, adc_ps=(1, 2, 3, 4))
SIDE = 4


def job(
    row: int,
    column: int,
    *,
    array: int = 0,
    rows: int = 2,
    columns: int = 2,
    source: int = 0,
    k: int | None = None,
    planes: int = 1,
    adc_bits: int = 1,
    turn: int = 0,
) -> list[int]:
    return [array, row, rows, column, columns, source, row if k is None else k, planes, adc_bits, turn]


def tiles_of(jobs: list[list[int]]) -> list[list[int]]:
    return [[j[0], j[1], j[3], j[2], j[4]] for j in jobs]


def starts(*jobs: list[int], foreign: tuple[list[int], ...] = ()) -> list[tuple[int, int]]:
    """(start, end) of each job; programmed are its cells, and tiles `foreign`: (array, row, column, rows, columns)."""
    occupancy = Occupancy(np.array([*tiles_of(list(jobs)), *foreign], np.int64))
    start, end = start_times(np.array(jobs, np.int64), occupancy, TIMES)
    return list(zip(start.tolist(), end.tolist()))


def test_one_job_takes_its_own_time():
    """Planes times settling and rounds of the two ADCs."""
    assert starts(job(0, 0, columns=3, planes=8, adc_bits=4)) == [(0, 8 * (100 + 2 * 4))]


def test_arrays_do_not_wait_for_each_other():
    assert starts(job(0, 0), job(0, 0, array=1), job(0, 0, array=7)) == [(0, 101)] * 3


def test_blocks_of_a_diagonal_run_together():
    assert starts(job(0, 0), job(2, 2)) == [(0, 102)] * 2


def test_copies_that_have_other_vectors_wait():
    """Copy 0 of 2 beside copy 1 of 2 of another weight; two of the same turn run together."""
    assert starts(job(0, 0, turn=2), job(2, 2, turn=3)) == [(0, 101), (101, 202)]
    assert starts(job(0, 0, turn=2), job(0, 2, turn=3)) == [(0, 101), (101, 202)]
    assert starts(job(0, 0, turn=3), job(2, 2, turn=3)) == [(0, 102)] * 2


def test_the_same_rows_with_the_same_inputs_run_together():
    assert starts(job(0, 0), job(0, 2)) == [(0, 102)] * 2


def test_the_same_rows_with_other_inputs_wait():
    assert starts(job(0, 0), job(0, 2, source=1)) == [(0, 101), (101, 202)]
    assert starts(job(0, 0), job(0, 2, k=2)) == [(0, 101), (101, 202)]


def test_the_same_columns_wait():
    """One weight that two inputs are multiplied by, and row groups of one tile."""
    assert starts(job(0, 0), job(0, 0, source=1)) == [(0, 101), (101, 202)]
    assert starts(job(0, 0), job(0, 0)) == [(0, 101), (101, 202)]
    assert starts(job(0, 0), job(2, 0)) == [(0, 101), (101, 202)]


def test_rows_that_overlap_wait():
    """Both read cells of each other, or their rows in common have one driver only."""
    assert starts(job(0, 0), job(1, 2)) == [(0, 101), (101, 202)]


def test_cells_of_others_in_the_way():
    """A tile at rows 2 and 3, column 0: the second job drives these rows, the first converts that column."""
    assert starts(job(0, 0), job(2, 2), foreign=([0, 2, 0, 1, 1],)) == [(0, 101), (101, 202)]
    assert starts(job(0, 0), job(2, 2), foreign=([0, 0, 3, 1, 1],)) == [(0, 101), (101, 202)]
    assert starts(job(0, 0), job(2, 2), foreign=([1, 2, 0, 1, 1],)) == [(0, 102)] * 2
    assert starts(job(0, 0, columns=1), job(2, 2), foreign=([0, 2, 1, 1, 1],)) == [(0, 102)] * 2


def test_together_only_if_that_is_faster():
    """Eight planes with 4 bits, where one needs the planes and the other the bits, would take 1600 ps, not 108."""
    free = ArrayTimes(settle_ps=0, adcs=2, adc_ps=(1, 2, 3, 100))
    jobs = np.array([job(0, 0, planes=8), job(2, 2, adc_bits=4)], np.int64)
    start, end = start_times(jobs, Occupancy(np.array(tiles_of(jobs.tolist()))), free)
    assert (start.tolist(), end.tolist()) == ([0, 8], [8, 108])


def test_what_runs_together_takes_the_planes_and_bits_of_those_that_need_most():
    assert starts(job(0, 0, planes=8, adc_bits=2), job(2, 2, planes=9, adc_bits=3)) == [(0, 9 * (100 + 2 * 3))] * 2


def test_no_jobs():
    start, end = start_times(np.zeros((0, 9), np.int64), Occupancy(np.zeros((0, 5), np.int64)), TIMES)
    assert len(start) == len(end) == 0


def test_rows_of_a_range_of_columns():
    occupancy = Occupancy(np.array([[1, 0, 2, 3, 2], [0, 1, 0, 1, 4], [0, 3, 3, 1, 1]], np.int64))
    assert occupancy.rows_in(0, 0, 3) == 0b0010
    assert occupancy.rows_in(0, 3, 1) == 0b1010
    assert occupancy.rows_in(1, 0, 2) == 0
    assert occupancy.rows_in(1, 1, 2) == bits(0, 3)
    assert occupancy.rows_in(2, 0, 4) == 0


@st.composite
def anywhere(draw: st.DrawFn) -> list[int]:
    """A job of any rows and columns of one of two arrays, on any cells of other jobs."""
    row, column = draw(st.integers(0, SIDE - 1)), draw(st.integers(0, SIDE - 1))
    return job(
        row,
        column,
        array=draw(st.integers(0, 1)),
        rows=draw(st.integers(1, SIDE - row)),
        columns=draw(st.integers(1, SIDE - column)),
        source=draw(st.integers(0, 1)),
        k=draw(st.integers(0, 2)),
        planes=draw(st.integers(8, 9)),
        adc_bits=draw(st.integers(1, 4)),
    )


@given(st.lists(anywhere(), min_size=1, max_size=8), st.integers(0, 3))
def test_activations_never_overlap_and_never_lose_time(jobs: list[list[int]], settle_ps: int):
    times = ArrayTimes(settle_ps, 2, (1, 2, 3, 4))
    table = np.array(jobs, np.int64)
    start, end = start_times(table, Occupancy(np.array(tiles_of(jobs))), times)
    for array in set(table[:, 0].tolist()):
        own = table[:, 0] == array
        spans = sorted(set(zip(start[own].tolist(), end[own].tolist())))
        assert spans[0][0] == 0
        assert all(one[1] == other[0] for one, other in pairwise(spans))
        alone = times.activations(table[own, 7], table[own, 4], table[own, 8])
        assert spans[-1][1] <= alone.sum()


@given(st.lists(anywhere(), min_size=2, max_size=8))
def test_jobs_that_start_together_are_as_if_alone(jobs: list[list[int]]):
    """Cell by cell: each column that is converted sees no row but those of its own job."""
    start, _ = start_times(np.array(jobs), Occupancy(np.array(tiles_of(jobs))), TIMES)
    cells = np.zeros((2, SIDE, SIDE), np.bool_)
    for array, row, column, rows, columns in tiles_of(jobs):
        cells[array, row : row + rows, column : column + columns] = True
    for moment in set(zip([j[0] for j in jobs], start.tolist())):
        group = [j for j, begin in zip(jobs, start.tolist()) if (j[0], begin) == moment]
        driven = {(j[1] + i, j[5], j[6] + i) for j in group for i in range(j[2])}
        assert len({row for row, _, _ in driven}) == len(driven)
        read = [j[3] + c for j in group for c in range(j[4])]
        assert len(set(read)) == len(read)
        for array, row, rows, column, columns, *_ in group:
            others = [r for r, _, _ in driven if not row <= r < row + rows]
            assert not cells[array, others, column : column + columns].any()


def test_times_that_would_overflow():
    job = [0, 0, 1, 0, 1, 0, 0, 8, 1]
    times = ArrayTimes(10**12, 1, (10**12,))
    start_times(np.array([job] * 1000), Occupancy(np.array(tiles_of([job]))), times)
    with pytest.raises(UserError, match="more than two weeks"):
        start_times(np.array([job] * 100_000), Occupancy(np.array(tiles_of([job]))), times)
