"""How long resources work on one token: no interval between tokens is shorter than the longest of these."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.clock.graph import Kind, Pool, Steps
from cimc.clock.lists import Numbers
from cimc.clock.pipelines.tasks import turns_of_registers
from cimc.program.records import Opcode


@dataclass(frozen=True, order=True)
class Load:
    """A resource, and for how long a token needs it at least [ps]."""

    time_ps: int
    resource: str


NO_LOAD = Load(0, "")
"""Of nothing."""


def loads_of(steps: Steps) -> list[Load]:
    """The busiest array, sets of registers, unit and link, each with the time that no schedule can spare."""
    arrays, (digital, attention, links) = steps.pools[0].start, steps.pools
    used = _used(steps)
    loads = [_most(used[:arrays], "array {}"), _registers(steps)]
    for pool, name, number in ((digital, "digital unit", Pool.DIGITAL), (attention, "attention unit", Pool.ATTENTION)):
        if len(pool):
            own = (steps.pool == number) & (steps.kind == Kind.OPERATOR)
            fixed, operators = used[pool.start : pool.stop], int((steps.duration * steps.units)[own].sum())
            whole = Load(-(-(int(fixed.sum()) + operators) // len(pool)), f"{name}s")
            longest = Load(int(steps.duration[own].max(initial=0)), f"{name} of the longest operator")
            loads += [whole, longest, _most(fixed, name + " {}")]
    if len(links):
        loads.append(_most(used[links.start : links.stop], "link {}"))
    return loads


def _used(steps: Steps) -> Numbers:
    """For how long a token needs each array, unit and link [ps], without operators, which run on any unit.

    A copy of a weight works on every so manieth token only.
    """
    used = np.zeros(steps.resource_count)
    owners = steps.resources.owners
    fixed = steps.kind[owners] != Kind.OPERATOR
    np.add.at(used, steps.resources.values[fixed], (steps.duration / steps.copies)[owners[fixed]])
    return np.ceil(used - 1e-6).astype(np.int64)


def _most(times: Numbers, name: str) -> Load:
    if not len(times):
        return Load(0, name.format(0))
    most = int(times.argmax())
    return Load(int(times[most]), name.format(most))


def _registers(steps: Steps) -> Load:
    """Sets of registers of the array whose stages hold them for longest, as if each stage had all else for itself."""
    arrays, array = steps.pools[0].start, steps.registers.array
    holds, copies = least_holds(steps), turns_of_registers(steps)[0]
    used = np.bincount(array, holds / copies, arrays) / steps.buffers
    if steps.buffers == 1:
        used = np.maximum(used, _between_turns(array, holds, copies, arrays))
    return _most(np.ceil(used - 1e-6).astype(np.int64), "registers of array {}")


def _between_turns(array: Numbers, holds: Numbers, copies: Numbers, arrays: int) -> NDArray[np.float64]:
    """The least interval [ps] in which each of so many arrays finds time for a copy between what more tokens need.

    What every `c`-th token does, or each of a part of c, comes again every c intervals: all of that, and the longest
    hold of any other must fit between.
    """
    least = np.zeros(arrays)
    for often in np.unique(copies).tolist():
        more = often % copies == 0
        others = np.bincount(array[more], holds[more] * often / copies[more], arrays)
        longest = np.zeros(arrays)
        np.maximum.at(longest, array[~more], holds[~more])
        least = np.maximum(least, np.where(longest > 0, others + longest, 0) / often)
    return least


def least_holds(steps: Steps) -> Numbers:
    """The least time [ps] for which each stage holds a set of registers of an array (`Steps.registers`).

    Its vectors move in, the array converts all its row groups, for each product every array all of that product's,
    and products move out.
    """
    registers, records = steps.registers, steps.program.instructions
    if not len(registers.array):
        return np.zeros(0, np.int64)
    numbers = np.flatnonzero(records["op"] == Opcode.MULTIPLY)
    own = records[numbers]
    columns = [own["y"].astype(np.int64), own["array"], own["stage"], own["flags"], steps.of_record[numbers]]
    work = np.unique(np.stack(columns, axis=1).astype(np.int64), axis=0)
    places, which = np.unique(work[:, [0, 1, 3]], axis=0, return_inverse=True)
    busy = np.zeros(len(places), np.int64)
    np.add.at(busy, which.reshape(-1), steps.duration[work[:, 4]])
    product = np.zeros(steps.program.slots, np.int64)
    np.maximum.at(product, places[:, 0], busy)
    width = int(registers.stage.max()) + 1
    residence = np.searchsorted(registers.array * width + registers.stage, work[:, 1] * width + work[:, 2])
    holds = np.zeros(len(registers.array), np.int64)
    once, first = np.unique(work[:, 4], return_index=True)
    np.add.at(holds, residence[first], steps.duration[once])
    if not steps.apart:
        np.maximum.at(holds, residence, product[work[:, 0]])
    moves_in = np.minimum.reduceat(steps.duration[registers.inward.values], registers.inward.first[:-1])
    outward = np.where(steps.kind == Kind.OUTWARD, steps.duration, 0)[registers.outward.values]
    return holds + moves_in + np.minimum.reduceat(outward, registers.outward.first[:-1])
