"""When the digital operators between two stages run: each as soon as its operands and units are there."""

from collections.abc import Sequence
from dataclasses import dataclass

from passes.analysis.cost.digital import OperatorCost, Unit


@dataclass(frozen=True)
class Run:
    """An operator occupies `units` (digital ones are numbered from 0, attention units follow) from `start` on [ps]."""

    units: tuple[int, ...]
    start: int
    duration: int

    @property
    def end(self) -> int:
        return self.start + self.duration


def schedule_operators(
    operators: Sequence[tuple[OperatorCost, Sequence[int]]], digital_units: int, attention_units: int, start: int = 0
) -> list[Run]:
    """The runs of operators in an order in which they can run; each with the numbers of those that it waits for.

    None starts before `start`; each takes the units of its kind that are free first, as many as it occupies.
    """
    numbers = {Unit.VECTOR: range(digital_units), Unit.ATTENTION: range(digital_units, digital_units + attention_units)}
    free = {kind: [(start, unit) for unit in units] for kind, units in numbers.items()}
    runs: list[Run] = []
    for cost, operands in operators:
        ready = max((runs[number].end for number in operands), default=start)
        if cost.unit is Unit.NONE or not cost.units:
            runs.append(Run((), ready, 0))
            continue
        units = sorted(free[cost.unit])
        begin = max(ready, units[cost.units - 1][0])
        chosen = tuple(unit for _, unit in units[: cost.units])
        free[cost.unit] = [*((begin + cost.picoseconds, unit) for unit in chosen), *units[cost.units :]]
        runs.append(Run(chosen, begin, cost.picoseconds))
    return runs
