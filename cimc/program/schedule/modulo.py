"""Resources that are used again and again: how many uses of one there are at a time when all is repeated."""

from typing import NamedTuple

import numpy as np

from cimc.program.errors import ProgramError
from cimc.program.times.timing import Numbers

MOST_USES = 1 << 24
"""Of all resources in the time after which all repeats."""


class Uses(NamedTuple):
    """Uses of resources by one token: of `resource`, from `start` on for `duration` [ps].

    Where a resource holds a copy of a weight, `copies` tells how many of it there are and `copy` which one this is:
    token t uses copy t modulo `copies`. Elsewhere they are 1 and 0.
    """

    resource: Numbers
    start: Numbers
    duration: Numbers
    copies: Numbers
    copy: Numbers

    @staticmethod
    def of_all(resource: Numbers, start: Numbers, duration: Numbers) -> "Uses":
        """Uses by every token."""
        return Uses(resource, start, duration, np.ones_like(resource), np.zeros_like(resource))


def first_excess(uses: Uses, interval_ps: int, limit: int) -> list[int]:
    """The uses that make a resource used more than `limit` times at one time, for the first such resource and time.

    Tokens follow each other every `interval_ps`, for ever. A use that is as long as several intervals counts for as
    many tokens, and is told once. An empty list if there is no such time; uses that take no time are none.
    ProgramError if there are more than `MOST_USES` of them.
    """
    origin, begin, period = _repeated(uses, interval_ps)
    resource, duration = uses.resource[origin], uses.duration[origin]
    rest = duration % period
    wraps = begin + rest > period
    always = np.zeros(int(resource.max(initial=-1)) + 1, np.int64)
    np.add.at(always, resource, duration // period + wraps)
    part = np.flatnonzero(rest)
    end = np.where(wraps, begin + rest - period, begin + rest)[part]
    time, owner, change = np.concatenate([begin[part], end]), np.tile(resource[part], 2), np.repeat([1, -1], len(part))
    order = np.lexsort([change, time, owner])
    load = always[owner[order]] + np.cumsum(change[order])  # what a resource has begun it has ended, before the next
    crowded = [(int(owner[i]), int(time[i])) for i in order[load > limit][:1]]
    crowded += [(int(i), 0) for i in np.flatnonzero(always > limit)[:1]]
    for place, now in sorted(crowded)[:1]:
        covers = (resource == place) & ((duration >= period) | ((now - begin) % period < rest))
        return np.unique(origin[covers]).tolist()
    return []


def _repeated(uses: Uses, interval_ps: int) -> tuple[Numbers, Numbers, Numbers]:
    """Uses in the period after which all begins again in their resource: number, begin and that period, of each [ps].

    The resource's period is the least in which all its copies have whole turns; what fewer tokens have between them
    comes several times in it.
    """
    turns = np.ones(int(uses.resource.max(initial=-1)) + 1, np.int64)
    np.lcm.at(turns, uses.resource, uses.copies)
    times = turns[uses.resource] // uses.copies
    if times.sum() > MOST_USES:
        raise ProgramError(
            f"arrays, units or links are used {times.sum()} times in a period, expected at most {MOST_USES}"
        )
    origin = np.repeat(np.arange(len(times)), times)
    turn = np.arange(len(origin)) - np.repeat(np.cumsum(times) - times, times)
    period = turns[uses.resource[origin]] * interval_ps
    shift = (uses.copy[origin] + uses.copies[origin] * turn) * interval_ps
    return origin, (uses.start[origin] + shift) % period, period
