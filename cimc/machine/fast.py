"""The fast engine: compiled loops that count bits where an ADC could clip, and multiply where it provably cannot."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cimc.machine.encoding import Fields, excess, input_fields
from cimc.machine.execution import Digits, execute
from cimc.machine.image import Image, Packer
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Records

THREADS = "CIMC_THREADS"
"""The environment variable with the number of threads, where none is asked for."""
_SIGN = np.uint8(0x80)
_BEHIND = 32
"""Bytes behind the inputs, and words behind the sums, that compiled loops may touch."""
_SMALL = 1 << 20
"""Multiplications that are not worth a second thread."""
_MANY = 16
"""With so many vectors for each, threads share the vectors; with fewer, the cells."""


class _Task(NamedTuple):
    """What one thread does: a range of pieces, for a range of vectors."""

    first: int
    last: int
    start: int
    stop: int


class FastEngine:
    """Executes the MULTIPLY records of a program.

    For every record the largest analog sums are computed from the cells as they are (the bound in the file is not
    trusted). Where no conversion can clip and the ADC drops no bits, the ADC is the identity and the record is one
    product of integers; docs/numerics.md has the proof. Cells are packed in the order of `records` (by default those of
    the program): once, or with `keep` false whenever they are needed, and then forgotten.

    Results do not depend on `threads` (by default the cores that there are): integers are added, modulo 2**32.
    """

    def __init__(
        self, program: Program, records: Records | None = None, *, keep: bool = True, threads: int | None = None
    ) -> None:
        self.instructions = program.instructions if records is None else records
        self.excess = excess(program.chip.encoding)
        self.packer = Packer(program)
        self.slices = _digits(self.packer.slices)
        self.planes = [_digits(input_fields(program.chip.dac_bits, signed)) for signed in (False, True)]
        self.threads = default_threads() if threads is None else threads
        self.pool = ThreadPoolExecutor(self.threads)
        self.image = self.packer.pack(self.instructions) if keep else None

    def multiply(self, first: int, last: int, x: NDArray[np.int8 | np.uint8], y: NDArray[np.int32]) -> int:
        """Executes records first to last - 1, y [vectors, N] += x [vectors, K] * cells; counts clipped conversions."""
        if self.image is None:
            image, first, last = self.packer.pack(self.instructions[first:last]), 0, last - first
        else:
            image = self.image
        signed = x.dtype == np.int8
        inputs = np.zeros((len(x), x.shape[1] + _BEHIND), np.uint8)
        inputs[:, : x.shape[1]] = x.view(np.uint8)
        shifted = inputs ^ _SIGN if signed else inputs

        def run(task: _Task) -> tuple[int, NDArray[np.uint32]]:
            part = slice(task.start, task.stop)
            sums = np.zeros((task.stop - task.start) * y.shape[1] + _BEHIND, np.uint32)
            clipped = execute(
                image.pieces[task.first : task.last],
                image.words,
                image.column_sums,
                self.planes[signed],
                self.slices,
                self.excess,
                signed,
                inputs[part],
                shifted[part],
                sums,
                y.shape[1],
            )
            return clipped, sums

        tasks = self._share(image, int(image.bounds[first]), int(image.bounds[last]), len(x))
        results = [run(tasks[0])] if len(tasks) == 1 else self.pool.map(run, tasks)
        clipped = 0
        for task, (count, sums) in zip(tasks, results, strict=True):
            clipped += count
            y[task.start : task.stop] += sums[: len(sums) - _BEHIND].view(np.int32).reshape(-1, y.shape[1])
        return clipped

    def _share(self, image: Image, first: int, last: int, vectors: int) -> list[_Task]:
        """Pieces first to last - 1 and all vectors, divided among the threads."""
        work = image.work[first : last + 1]
        threads = self.threads if int(work[-1] - work[0]) * vectors >= _SMALL else 1
        if vectors >= threads * _MANY:
            starts = [vectors * i // threads for i in range(threads + 1)]
            return [_Task(first, last, *part) for part in zip(starts, starts[1:], strict=False)]
        shares = work[0] + (work[-1] - work[0]) * np.arange(threads + 1) // threads
        cuts = (first + np.searchsorted(work, shares)).tolist()
        return [_Task(*part, 0, vectors) for part in zip(cuts, cuts[1:], strict=False)]


def default_threads() -> int:
    """The number in CIMC_THREADS, else that of the cores that this process may use.

    Raises ProgramError if CIMC_THREADS is no number of at least 1.
    """
    given = os.environ.get(THREADS)
    if given is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not given.isdigit() or not int(given):
        raise ProgramError(f"{THREADS} is {given!r}, expected a number of at least 1")
    return int(given)


def _digits(fields: Fields) -> Digits:
    return np.stack([fields.firsts, fields.widths, fields.significances], axis=1)
