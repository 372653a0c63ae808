"""When the digital operators of a kernel run: each as soon as its operands and units are there, in their order."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from passes.analysis.cost.digital import OperatorCost, Unit
from passes.schedule_arrays.analysis.steps import Run


def schedule_operators(
    operators: Sequence[tuple[OperatorCost, Sequence[int]]], digital_units: int, attention_units: int, start: int = 0
) -> list[Run]:
    """The runs of operators in an order in which they can run; each with the numbers of those that it waits for.

    None starts before `start`; each takes the units of its kind that are free first, as many as it occupies.
    """
    free = {
        Unit.VECTOR: _Units(0, digital_units, start),
        Unit.ATTENTION: _Units(digital_units, attention_units, start),
    }
    runs: list[Run] = []
    for cost, operands in operators:
        ready = max((runs[number].end for number in operands), default=start)
        if cost.unit is Unit.NONE or not cost.units:
            runs.append(Run((), ready, 0))
            continue
        units = free[cost.unit]
        chosen = units.take(cost.units)
        begin = max(ready, chosen[-1][0])
        numbers = tuple(unit for _, unit in chosen)
        units.busy(numbers, begin + cost.picoseconds)
        runs.append(Run(numbers, begin, cost.picoseconds))
    return runs


class _Units:
    """Units of one kind, with the times from which they are free; those that never ran are counted, not listed."""

    def __init__(self, first: int, count: int, start: int) -> None:
        self.fresh = range(first, first + count)
        self.start = start
        self.used: list[tuple[int, int]] = []

    def take(self, count: int) -> list[tuple[int, int]]:
        """The units that are free first, as (time, number), sorted; those with low numbers first."""
        self.used.sort()
        early = bisect_right(self.used, (self.start, self.fresh.start))
        new = self.fresh[: max(0, count - early)]
        late = max(0, count - early - len(new))
        first, second = min(early, count), early + late
        taken = [*self.used[:first], *((self.start, unit) for unit in new), *self.used[early:second]]
        self.used = [*self.used[first:early], *self.used[second:]]
        self.fresh = self.fresh[len(new) :]
        return taken

    def busy(self, units: Iterable[int], until: int) -> None:
        """Those units were taken, and are free again from `until` on."""
        self.used += [(until, unit) for unit in units]
