"""Legality of additions: partial sums of an element are added in pairs, each when both are there, until one is left."""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.timing import Numbers


def verify_sums(program: Program, add_ps: int, ends: Numbers) -> None:
    """Raises ProgramError unless ADD records make one sum of each element (S7), for each copy of a weight by itself.

    `ends` tells when records are done.
    """
    multiplies, adds = (_by_product(program, op) for op in (Opcode.MULTIPLY, Opcode.ADD))
    records, nothing = program.instructions, np.zeros(0, np.int64)
    for y, copy in sorted({*multiplies, *adds}):
        own, summed = multiplies.get((y, copy), nothing), adds.get((y, copy), nothing)
        parts = _columns(records[own], "n", "columns", "array", "column")
        sums = _columns(records[summed], "n", "columns", "start")
        for first, wrong in _wrong_sums(parts, ends[own], sums, add_ps):
            of = f" by copy {copy}" if copy else ""
            raise ProgramError(f"partial sums of element {first} of value {y}{of}: {wrong}")


def _by_product(program: Program, op: Opcode) -> dict[tuple[int, int], Numbers]:
    """The numbers of the records of one kind for each value that they work on, and each copy of its weight."""
    numbers = np.flatnonzero(program.instructions["op"] == op)
    y, copy = (program.instructions[name][numbers].astype(np.int64) for name in ("y", "flags"))
    key = y << 8 | copy
    order = np.argsort(key, kind="stable")
    groups = np.split(numbers[order], 1 + np.flatnonzero(np.diff(key[order])))
    firsts = [(int(group[0]), group) for group in groups if len(group)]
    records = program.instructions
    return {(int(records["y"][first]), int(records["flags"][first])): group for first, group in firsts}


def _columns(records: NDArray[np.void], *names: str) -> Numbers:
    return np.stack([records[name].astype(np.int64) for name in names], axis=1)


def _wrong_sums(parts: Numbers, ends: Numbers, sums: Numbers, add_ps: int) -> Iterator[tuple[int, str]]:
    """First element of each range whose additions cannot be right, and why.

    `parts` has a row (n, columns, array, column) for each MULTIPLY record: those of one column of an array accumulate
    where they are converted, so they are one partial sum. `sums` has a row (n, columns, start) for each ADD.
    """
    places = np.concatenate([parts[:, :3], parts[:, 3:] - parts[:, :1]], axis=1)
    order = np.lexsort(places.T[::-1])
    firsts = np.flatnonzero(np.concatenate([[True], (np.diff(places[order], axis=0) != 0).any(axis=1)]))[: len(places)]
    partial_sums = places[order[firsts]]
    ready = np.maximum.reduceat(ends[order], firsts) if len(firsts) else ends
    first, last = partial_sums[:, 0], partial_sums[:, 0] + partial_sums[:, 1]
    if not len(sums) and (first[1:] >= last[:-1]).all():  # sorted by n; nothing lies on each other
        return
    limits = {*first.tolist(), *last.tolist(), *sums[:, 0].tolist(), *(sums[:, 0] + sums[:, 1]).tolist()}
    for low, high in pairwise(sorted(limits)):
        inside = (first <= low) & (high <= last)
        available: dict[tuple[int, int], int] = {}
        for (array, offset), end in zip(partial_sums[inside, 2:].tolist(), ready[inside].tolist()):
            available[array, offset] = max(available.get((array, offset), 0), end)
        starts = sums[(sums[:, 0] <= low) & (high <= sums[:, 0] + sums[:, 1]), 2]
        wrong = _wrong_order(sorted(available.values()), sorted(starts.tolist()), add_ps)
        if wrong is not None:
            yield low, wrong


def _wrong_order(ready: list[int], starts: list[int], add_ps: int) -> str | None:
    """Whether additions at `starts` make one of partial sums that are there from `ready` on.

    Taking the two that are there first loses nothing: later additions can take the others as well.
    """
    if len(starts) != max(0, len(ready) - 1):
        return f"{len(ready)} of them take {max(0, len(ready) - 1)} additions, found {len(starts)}"
    for start in starts:
        first, second = heappop(ready), heappop(ready)
        if max(first, second) > start:
            return f"an addition at {start} ps comes before its operands"
        heappush(ready, start + add_ps)
    return None
