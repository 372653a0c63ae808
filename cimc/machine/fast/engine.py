"""The fast engine: compiled loops that count bits where an ADC could clip, and multiply where it provably cannot."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from cimc.machine.fast.encoding import excess, input_fields
from cimc.machine.fast.execution import execute, execute_products
from cimc.machine.fast.image import Image, Packer, digits
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Records

THREADS = "CIMC_THREADS"
"""The environment variable with the number of threads, where none is asked for."""
MOST_THREADS = 1024
SMALL = 1 << 20
"""Multiplications that are not worth a second thread."""
_MANY = 16
"""With so many vectors for each, threads share the vectors; with fewer, the cells."""


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
        self.planes = [digits(input_fields(program.chip.dac_bits, signed)) for signed in (False, True)]
        self.threads = default_threads() if threads is None else threads
        if not 1 <= self.threads <= MOST_THREADS:
            raise ProgramError(f"{self.threads} threads are asked for, expected 1 to {MOST_THREADS}")
        self.pool = ThreadPoolExecutor(self.threads)
        self.image = self.packer.pack(self.instructions) if keep else None

    def multiply(self, first: int, last: int, x: NDArray[np.int8 | np.uint8], y: NDArray[np.int32]) -> int:
        """Executes records first to last - 1, y [vectors, N] += x [vectors, K] * cells; counts clipped conversions."""
        if self.image is None:
            image, first, last = self.packer.pack(self.instructions[first:last]), 0, last - first
        else:
            image = self.image
        inputs = x.view(np.uint8)
        if not inputs.flags.writeable:
            inputs = inputs.copy()  # one type is one compilation
        start, stop = int(image.bounds[first]), int(image.bounds[last])
        signed, work = x.dtype == np.int8, int(image.work[stop]) - int(image.work[start])
        if self.threads == 1 or work * len(x) < SMALL:
            return self._execute(image, signed, start, stop, inputs, y)
        run = partial(self._execute, image, signed)
        if len(x) >= self.threads * _MANY:
            cuts = [len(x) * i // self.threads for i in range(self.threads + 1)]
            parts = [(inputs[first:last], y[first:last]) for first, last in pairwise(cuts)]
            return sum(self._shared(run, repeat(start), repeat(stop), *zip(*parts, strict=True)))
        shares = [int(image.work[start]) + work * i // self.threads for i in range(self.threads + 1)]
        cuts = [start + int(np.searchsorted(image.work[start : stop + 1], share)) for share in shares]
        sums = [y, *(np.zeros_like(y) for _ in cuts[2:])]
        clipped = sum(self._shared(run, cuts[:-1], cuts[1:], repeat(inputs), sums))
        for part in sums[1:]:
            y += part
        return clipped

    def _shared(self, run: Callable[..., int], *arguments: Iterable[object]) -> Iterator[int]:
        """The results of `run` on the threads of the pool; ProgramError if the system does not give so many."""
        try:
            return self.pool.map(run, *arguments)
        except RuntimeError as error:
            raise ProgramError(f"{self.threads} threads cannot be started, expected fewer: {error}") from error

    def _execute(
        self, image: Image, signed: bool, start: int, stop: int, inputs: NDArray[np.uint8], y: NDArray[np.int32]
    ) -> int:
        """Executes pieces start to stop - 1 on this thread; see `execute`."""
        if image.is_exact:
            execute_products(image.pieces, start, stop, image.words, image.column_sums, signed, inputs, y)
            return 0
        return execute(
            image.pieces,
            start,
            stop,
            image.words,
            image.column_sums,
            self.planes[signed],
            self.packer.slices,
            self.excess,
            signed,
            inputs,
            y,
        )


def default_threads() -> int:
    """The number in CIMC_THREADS, else that of the cores that this process may use.

    Raises ProgramError if CIMC_THREADS is no number of at least 1.
    """
    given = os.environ.get(THREADS)
    if given is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not given.isdecimal() or len(given) > 4 or not int(given):
        raise ProgramError(f"{THREADS} is {given!r}, expected a number of at least 1, and at most {MOST_THREADS}")
    return int(given)
