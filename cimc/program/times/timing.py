"""How long the records of a program take, from the times that the compiler wrote into it (docs/cost-model.md)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.planes import planes_of
from cimc.program.metadata import Timing
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.times.transfers import move_ps

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Activations:
    """MULTIPLY records of one array that start together: rows are driven at the same time, columns share the ADCs.

    `records` are the numbers of all MULTIPLY records, `of_record` tells the activation of each; the other arrays
    have one number an activation, times in ps from the start of the run.
    """

    records: Numbers
    of_record: Numbers
    array: Numbers
    stage: Numbers
    start: Numbers
    duration: Numbers
    columns: Numbers
    """How many columns are converted, in every plane and slice."""


def activations_of(program: Program, timing: Timing) -> Activations:
    """The activations of a program, in the order of stage, array and start.

    One takes `planes * (settle + ceil(columns / adcs) * adc(bits))`: all slices convert in parallel, and `bits` and
    `planes` are those of the record that needs most (I15).
    """
    numbers = np.flatnonzero(program.instructions["op"] == Opcode.MULTIPLY)
    records = program.instructions[numbers]
    keys = [records[name].astype(np.int64) for name in ("stage", "array", "start")]
    order = np.lexsort(keys[::-1])
    stage, array, start = (key[order] for key in keys)
    begins = np.logical_or.reduce([np.diff(key, prepend=key[:1] - 1) != 0 for key in (stage, array, start)])
    of_record = np.zeros(len(records), np.int64)
    of_record[order] = np.cumsum(begins) - 1
    count = int(np.count_nonzero(begins))
    columns = _sums(of_record, records["columns"], count)
    bits = _largest(of_record, records["adc_bits"], count)
    planes = _largest(of_record, planes_of(records, program), count)
    adc_ps = np.array([0, *timing.adc_ps], np.int64)[bits]
    duration = planes * (timing.settle_ps + -(-columns // program.chip.adcs) * adc_ps)
    return Activations(numbers, of_record, array[begins], stage[begins], start[begins], duration, columns)


def record_ends(program: Program, timing: Timing, activations: Activations) -> Numbers:
    """When each record is done, in ps from the start of the run.

    A MULTIPLY is done with its activation; a permutation moves a vector once more, so it takes a transfer (I16, I17),
    of which long vectors need more where links have a width. An ADD takes `add_ps` (I18), a LOAD `program_row_ps` a row
    (I26). A KERNEL is done with the last of its operators, which the table of operations tells (I10).
    """
    op = program.instructions["op"]
    ends = program.instructions["start"].astype(np.int64) + move_ps(program, timing)
    ends[activations.records] = (activations.start + activations.duration)[activations.of_record]
    ends[op == Opcode.ADD] += timing.add_ps
    loads = op == Opcode.LOAD
    ends[loads] += program.instructions["rows"][loads].astype(np.int64) * (timing.program_row_ps or 0)
    operations, kernels = program.operations, np.flatnonzero(op == Opcode.KERNEL)
    last = np.zeros(len(program.kernels), np.int64)
    np.maximum.at(last, operations[:, 0], operations[:, 3] + operations[:, 4])
    ends[kernels] = np.maximum(ends[kernels], last[program.instructions["k"][kernels]])
    return ends


def _sums(group: Numbers, values: NDArray[np.integer], count: int) -> Numbers:
    sums = np.zeros(count, np.int64)
    np.add.at(sums, group, values.astype(np.int64))
    return sums


def _largest(group: Numbers, values: NDArray[np.integer], count: int) -> Numbers:
    largest = np.zeros(count, np.int64)
    np.maximum.at(largest, group, values.astype(np.int64))
    return largest
