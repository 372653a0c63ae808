"""Activations: which row groups of one array run at the same time, and when each of them starts."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passes.analysis.timing import ArrayTimes, check_time

Table = npt.NDArray[np.int64]

JOB = ("array", "row", "rows", "column", "columns", "source", "k", "planes", "adc_bits", "turn")
"""Columns of a table of jobs: a row group of a tile, driven with elements `k` to `k + rows` of the vector `source`.

Jobs of one `turn` are for the same vectors: copy i of a weight with c of them has turn
c * (c - 1) / 2 + i, which is 0 for all weights without copies."""
_ARRAY, _ROW, _ROWS, _COLUMN, _COLUMNS, _SOURCE, _K, _PLANES, _BITS, _TURN = range(len(JOB))


class Occupancy:
    """Which cells are programmed, by all weights of the network: tiles int64 [tile, (array, row, column, rows,
    columns)]."""

    def __init__(self, tiles: Table):
        order = np.argsort(tiles[:, 0], kind="stable")
        self.tiles = tiles[order]
        self.known: dict[tuple[int, int, int], int] = {}

    def rows_in(self, array: int, column: int, columns: int) -> int:
        """The rows with a programmed cell in columns [column, column + columns), as bits, row 0 lowest."""
        key = (array, column, columns)
        if key not in self.known:
            first, last = np.searchsorted(self.tiles[:, 0], [array, array + 1])
            own = self.tiles[first:last]
            meet = own[(own[:, 2] < column + columns) & (column < own[:, 2] + own[:, 4])]
            rows = 0
            for first_row, count in meet[:, [1, 3]].tolist():
                rows |= bits(first_row, count)
            self.known[key] = rows
        return self.known[key]


def bits(first: int, count: int) -> int:
    """`count` ones from bit `first` on."""
    return ((1 << count) - 1) << first


@dataclass(frozen=True)
class Activations:
    """Which jobs run together: the activation of each job; array and duration [ps] of each activation, array after
    array, those of one array in the order of their first jobs."""

    of_job: Table
    array: Table
    duration: Table

    def in_turn(self) -> tuple[Table, Table]:
        """Starts and ends if each array does its activations in their order, without a gap, from 0 on."""
        first = np.concatenate([[0], 1 + np.flatnonzero(np.diff(self.array)), [len(self.array)]])
        return _in_turn(self.duration, first[: len(self.array) + 1])


def activations_of(jobs: Table, occupancy: Occupancy, times: ArrayTimes) -> Activations:
    """The activations of jobs of one stage.

    Jobs share one, and with it the settling of the rows and the ADCs, if that is faster and no sum is spoilt: they have
    the same turn, their columns are different, each row has one input, and no column has a programmed cell in a row
    that is active for another job's sake.
    """
    order = np.argsort(jobs[:, _ARRAY], kind="stable")
    duration = times.activations(jobs[:, _PLANES], jobs[:, _COLUMNS], jobs[:, _BITS])
    check_time(float(duration.sum(dtype=np.float64)))
    first = np.concatenate([[0], 1 + np.flatnonzero(np.diff(jobs[order, _ARRAY])), [len(jobs)]])[: len(jobs) + 1]
    of_job, longest = np.empty(len(jobs), np.int64), duration[order]
    of_job[order] = np.arange(len(jobs))
    for low, high in np.stack([first[:-1], first[1:]], axis=1)[_may_share(jobs[order], first)].tolist():
        members = order[low:high]
        for number, activation in enumerate(_activations(jobs[members], occupancy, times)):
            of_job[members[activation.jobs]] = low + number
            longest[low + number] = activation.duration
    used, of_job = np.unique(of_job, return_inverse=True)
    return Activations(of_job.reshape(-1), jobs[order[used], _ARRAY], longest[used])


def start_times(jobs: Table, occupancy: Occupancy, times: ArrayTimes) -> tuple[Table, Table]:
    """When each job starts and ends, in ps from when the inputs are there: an array does one activation after the
    other."""
    activations = activations_of(jobs, occupancy, times)
    start, end = activations.in_turn()
    return start[activations.of_job], end[activations.of_job]


def _in_turn(duration: Table, first: Table) -> tuple[Table, Table]:
    """Starts and ends of jobs that run one after the other; those of array i are `first[i]` to `first[i + 1]`."""
    end = np.cumsum(duration)
    before = np.concatenate([np.zeros(1, np.int64), end])[first[:-1]]
    end -= np.repeat(before, np.diff(first))
    return end - duration, end


def _may_share(jobs: Table, first: Table) -> npt.NDArray[np.bool_]:
    """Which arrays have jobs in different columns: all others cannot but do one after the other."""
    if not len(jobs):
        return np.zeros(0, np.bool_)
    left = np.maximum.reduceat(jobs[:, _COLUMN], first[:-1])
    right = np.minimum.reduceat(jobs[:, _COLUMN] + jobs[:, _COLUMNS], first[:-1])
    return left >= right


@dataclass
class _Activation:
    """Jobs (their numbers) that start together; `rows` are active, `cells` are the rows programmed in their columns."""

    jobs: list[int]
    rows: int
    cells: int
    taken: int
    """The columns that are converted, as bits."""
    columns: int
    planes: int
    adc_bits: int
    duration: int
    turn: int


def _activations(jobs: Table, occupancy: Occupancy, times: ArrayTimes) -> list[_Activation]:
    """The activations of one array: jobs with the same rows and inputs first, then what does not disturb each other."""
    drives: dict[tuple[int, ...], list[_Activation]] = {}
    for number, job in enumerate(jobs.tolist()):
        key = (job[_ROW], job[_ROWS], job[_SOURCE], job[_K], job[_TURN])
        _put(_alone(number, job, occupancy, times), drives.setdefault(key, []), times, same_rows=True)
    activations: list[_Activation] = []
    for drive in drives.values():
        for activation in drive:
            _put(activation, activations, times, same_rows=False)
    return activations


def _alone(number: int, job: list[int], occupancy: Occupancy, times: ArrayTimes) -> _Activation:
    cells = occupancy.rows_in(job[_ARRAY], job[_COLUMN], job[_COLUMNS])
    rows, taken = bits(job[_ROW], job[_ROWS]), bits(job[_COLUMN], job[_COLUMNS])
    duration = times.activation(job[_PLANES], job[_COLUMNS], job[_BITS])
    return _Activation([number], rows, cells, taken, job[_COLUMNS], job[_PLANES], job[_BITS], duration, job[_TURN])


def _put(new: _Activation, into: list[_Activation], times: ArrayTimes, same_rows: bool) -> None:
    """Adds the new one to the first activation that it may join, or else behind them all."""
    for old in into:
        if old.turn != new.turn or old.taken & new.taken or not (same_rows or _apart(old, new)):
            continue
        planes, adc_bits = max(old.planes, new.planes), max(old.adc_bits, new.adc_bits)
        together = times.activation(planes, old.columns + new.columns, adc_bits)
        if together < old.duration + new.duration:
            old.jobs += new.jobs
            old.rows, old.cells, old.taken = old.rows | new.rows, old.cells | new.cells, old.taken | new.taken
            old.columns, old.planes, old.adc_bits = old.columns + new.columns, planes, adc_bits
            old.duration = together
            return
    into.append(new)


def _apart(first: _Activation, second: _Activation) -> bool:
    """Whether the active rows of neither have a cell in the columns of the other."""
    return not (first.rows & (second.cells | second.rows) or first.cells & second.rows)
