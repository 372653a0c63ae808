"""The fast engine: compiled loops that count bits where an ADC could clip, and multiply where it provably cannot."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from cimc.machine.engine import Inputs
from cimc.machine.fast.encoding import digits, input_fields
from cimc.machine.fast.image import Image, Packer
from cimc.machine.fast.loops import Call, Loop
from cimc.machine.fast.words import LANES, Bytes, Words, pair_room
from cimc.machine.plan import Group
from cimc.program.arrays.copies import copies_of_values
from cimc.program.arrays.planes import input_bits_of
from cimc.program.errors import ProgramError
from cimc.program.metadata import INPUT_BITS
from cimc.program.program import Program
from cimc.program.records import Records

execute_products = Loop("cimc.machine.fast.exact_execution", "execute_products")
THREADS = "CIMC_THREADS"
"""The environment variable with the number of threads, where none is asked for."""
MOST_THREADS = 1024
SMALL = 1 << 22
"""Multiplications that are not worth a second thread; a quarter of them where every conversion is made by itself."""
_MANY = 16
"""With so many vectors for each, threads share the vectors; with fewer, the cells."""


@dataclass(frozen=True)
class _Work:
    """Pieces start to stop - 1 of an image: so many multiplications for each vector.

    What is read of a vector ends at `end`, and its numbers have `bits` bits.
    """

    start: int
    stop: int
    size: int
    end: int
    bits: int

    @staticmethod
    def of(image: Image, first: int, last: int, bits: NDArray[np.int64]) -> "_Work":
        """The work of records first to last - 1, with inputs of so many bits each."""
        start, stop = int(image.bounds[first]), int(image.bounds[last])
        end = int(image.ends[start:stop].max(initial=0))
        size = int(image.work[stop]) - int(image.work[start])
        return _Work(start, stop, size, end, int(bits[first:last].max(initial=min(INPUT_BITS))))


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
        self.packer = Packer(program)
        dac_bits = program.chip.dac_bits
        self.planes = {bits: digits(input_fields(dac_bits, False, bits)) for bits in INPUT_BITS}
        self.signed_planes = digits(input_fields(dac_bits, True))
        self.bits = input_bits_of(self.instructions, program)
        self.copies = copies_of_values(program.multiplications, program.weights, program.slots)[self.instructions["y"]]
        self.has_copies = any(weight.copies > 1 for weight in program.weights)
        self.threads = default_threads() if threads is None else threads
        if not 1 <= self.threads <= MOST_THREADS:
            raise ProgramError(f"{self.threads} threads are asked for, expected 1 to {MOST_THREADS}")
        self.pool = ThreadPoolExecutor(max(1, self.threads - 1))
        self.image = self.packer.pack(self.instructions) if keep else None
        self.works: dict[Group, _Work] = {}

    def lay_out(self, groups: Iterable[Group]) -> bool:
        """Prepares for `multiply_group`; false if it cannot be, because cells are not kept.

        In the words of a group products are one after the other, each [vectors, columns].
        """
        if self.image is None:
            return False
        pieces, bounds = self.image.pieces, self.image.bounds
        for group in groups:
            offset = 0
            for product in group.products:
                own = slice(int(bounds[product.first]), int(bounds[product.last]))
                pieces["offset"][own], pieces["width"][own] = offset, product.columns
                offset += product.columns
            self.works[group] = _Work.of(self.image, group.first, group.last, self.bits)
        return True

    def multiply(self, first: int, last: int, x: Inputs, y: NDArray[np.int32]) -> int:
        """Executes records first to last - 1, y [vectors, N] += x [vectors, K] * cells; counts clipped conversions.

        Those of each copy of a weight take vectors of their own (I25).
        """
        clipped = 0
        for begin, end, copy, copies in self._by_copies(first, last):
            own = slice(copy, None, copies)
            if copy < len(x):
                clipped += self._multiply_all(begin, end, np.ascontiguousarray(x[own]), y[own])
        return clipped

    def _by_copies(self, first: int, last: int) -> Iterator[tuple[int, int, int, int]]:
        """Records first to last - 1 as (first, last, copy, copies): those of one copy that follow each other."""
        if not self.has_copies or first == last:
            yield first, last, 0, 1
            return
        keys = np.stack([self.instructions["flags"][first:last], self.copies[first:last]], axis=1).astype(np.int64)
        ends = [first, *(first + 1 + np.flatnonzero((np.diff(keys, axis=0) != 0).any(axis=1))).tolist(), last]
        for begin, end in pairwise(ends):
            yield begin, end, int(keys[begin - first, 0]), int(keys[begin - first, 1])

    def _multiply_all(self, first: int, last: int, x: Inputs, y: NDArray[np.int32]) -> int:
        """As `multiply`, all records for all vectors."""
        image, bits = self.image, self.bits
        if image is None:
            image, bits = self.packer.pack(self.instructions[first:last]), bits[first:last]
            first, last = 0, last - first
        words = np.empty(y.size + LANES, np.uint32)
        width = y.shape[1]
        work = _Work.of(image, first, last, bits)
        clipped = self._multiply(image, work, x, words, (width,), width)
        y += words[: y.size].view(np.int32).reshape(y.shape)
        return clipped

    def multiply_group(self, group: Group, x: Inputs, words: Words) -> int:
        """Makes the products of a group that is laid out; `words` have LANES more behind them."""
        assert self.image is not None
        if not group.has_copies:
            return self._multiply(self.image, self.works[group], x, words, group.widths, 0)
        clipped = 0
        sums = words[: len(x) * group.columns].view(np.int32)
        sums[:] = 0
        parts = np.split(sums, len(x) * np.cumsum(group.widths)[:-1])
        for product, part in zip(group.products, parts, strict=True):
            clipped += self.multiply(product.first, product.last, x, part.reshape(len(x), product.columns))
        return clipped

    def prepared(self, group: Group, x: Inputs, words: Words) -> Call | None:
        """As `multiply_group`, to be called again and again, whenever there are other vectors in x.

        None where conversions may clip, where weights have copies, where more than one thread works, or where vectors
        are many.
        """
        work, image = self.works[group], self.image
        if image is None or not image.is_exact or group.has_copies:
            return None
        if self._is_shared(work, len(x)) or len(x) > _MANY:
            return None
        return _exact_call(image, x.dtype == np.int8, 0, work.end, work.start, work.stop, x.view(np.uint8), words)

    def _is_shared(self, work: _Work, vectors: int) -> bool:
        least = SMALL if self.image is not None and self.image.is_exact else SMALL >> 2
        return self.threads > 1 and work.size * vectors >= least

    def _multiply(self, image: Image, work: _Work, x: Inputs, words: Words, widths: Sequence[int], width: int) -> int:
        """Makes products of these widths; `width` as in `execute`."""
        inputs = x.view(np.uint8)
        start, stop, signed, vectors = work.start, work.stop, x.dtype == np.int8, len(x)
        run = partial(self._execute, image, signed, width, work)
        if not self._is_shared(work, vectors):
            return run(start, stop, inputs, words)
        if vectors >= self.threads * _MANY:
            cuts = [vectors * i // self.threads for i in range(self.threads + 1)]
            parts = [inputs[first:last] for first, last in pairwise(cuts)]
            sums = [np.empty(len(part) * sum(widths) + LANES, np.uint32) for part in parts]
            clipped = self._shared(run, repeat(start), repeat(stop), parts, sums)
            _put_together(words, sums, cuts, widths)
            return clipped
        shares = [int(image.work[start]) + work.size * i // self.threads for i in range(self.threads + 1)]
        cuts = [start + int(np.searchsorted(image.work[start : stop + 1], share)) for share in shares]
        sums = [words, *(np.empty_like(words) for _ in cuts[2:])]
        clipped = self._shared(run, cuts[:-1], cuts[1:], repeat(inputs), sums)
        for part in sums[1:]:
            words += part
        return clipped

    def _shared(self, run: Callable[..., int], *arguments: Iterable[object]) -> int:
        """The sum of what `run` returns: for the first arguments on this thread, for others on those of the pool.

        ProgramError if the system does not give so many threads.
        """
        own, *others = zip(*arguments)
        try:
            waiting = self.pool.map(run, *zip(*others))
        except RuntimeError as error:
            raise ProgramError(f"{self.threads} threads cannot be started, expected fewer: {error}") from error
        return run(*own) + sum(waiting)

    def _execute(
        self,
        image: Image,
        signed: bool,
        width: int,
        work: _Work,
        start: int,
        stop: int,
        inputs: Bytes,
        words: Words,
    ) -> int:
        """Executes pieces start to stop - 1 on this thread; see `execute`."""
        if image.is_exact:
            _exact_call(image, signed, width, work.end, start, stop, inputs, words)()
            return 0
        from cimc.machine.fast.execution import execute  # imports numba

        return execute(
            image.pieces,
            start,
            stop,
            image.words,
            image.column_sums,
            self.signed_planes if signed else self.planes[work.bits],
            self.packer.table.slices,
            self.packer.table.formats,
            signed,
            inputs,
            words,
            width,
        )


def _exact_call(
    image: Image, signed: bool, width: int, end: int, start: int, stop: int, inputs: Bytes, words: Words
) -> Call:
    """Pieces start to stop - 1, which are exact; see `execute_products`."""
    vectors, stride = len(inputs), max(end, inputs.shape[1])
    room, wide = np.empty(vectors * stride, np.uint8), np.empty(pair_room(stride, vectors), np.uint32)
    return execute_products.prepared(
        image.pieces, start, stop, image.words, image.column_sums, int(signed), inputs, words, width, room, stride, wide
    )


def _put_together(words: Words, parts: Sequence[Words], cuts: Sequence[int], widths: Sequence[int]) -> None:
    """Products [vectors, width] from parts, of which part i has the vectors from cuts[i] to cuts[i + 1]."""
    offset = 0
    for width in widths:
        whole = words[offset * cuts[-1] :][: width * cuts[-1]].reshape(-1, width)
        for part, first, last in zip(parts, cuts, cuts[1:]):
            count = last - first
            whole[first:last] = part[offset * count :][: width * count].reshape(-1, width)
        offset += width


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
