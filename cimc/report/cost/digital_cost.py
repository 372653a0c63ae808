"""Time and energy of a program's digital operators, in a run with given dimensions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from cimc.report.cost.kernel_runs import Operator, Run
from dialects.chip.costs import DigitalCosts
from passes.analysis.cost.digital import OperatorCost, Unit, free_of_data, operator_cost


@dataclass(frozen=True)
class DigitalCost:
    """What the kernels take for a token or an inference, in all iterations of bodies; times in ns, energies in pJ."""

    operators: tuple[tuple[OperatorCost, ...], ...]
    """What each node of each kernel takes, in all executions; not divided."""
    digital_busy_ns: float
    """Time of the digital units, as if all worked all the time."""
    attention_busy_ns: float
    digital_pj: float | None
    attention_pj: float | None
    unknown: Mapping[str, int]
    """Operators that no table lists, each with how often it occurs."""


def digital_cost(
    run: Run, costs: DigitalCosts, tokens: int, waits: Mapping[tuple[int, int], int] = MappingProxyType({})
) -> DigitalCost:
    """The cost of the kernels of a run, divided by its `tokens` where it says nothing else.

    `waits` tells how long [ps] memory keeps operators busy at least, by kernel and number in it.
    """
    works: list[tuple[OperatorCost, ...]] = []
    busy = dict.fromkeys(Unit, 0)
    energies: dict[Unit, list[float | None]] = {unit: [] for unit in Unit}
    unknown: Counter[str] = Counter()
    for number, (operators, constants) in enumerate(zip(run.kernels, run.constants, strict=True)):
        times = run.executions.get(number, 1)
        priced = [
            replace(cost, picoseconds=max(cost.picoseconds, waits.get((number, place), 0)))
            for place, cost in enumerate(_priced(operators, constants, costs))
        ]
        works.append(tuple(replace(cost, picoseconds=times * cost.picoseconds) for cost in priced))
        for operator, cost in zip(operators, priced, strict=True):
            energies[cost.unit].append(None if cost.picojoules is None else times * cost.picojoules)
            busy[cost.unit] += times * cost.units * cost.picoseconds
            if not cost.known:
                unknown[f"{operator.domain}.{operator.op_type}".lstrip(".")] += 1
    return DigitalCost(
        operators=tuple(works),
        digital_busy_ns=busy[Unit.VECTOR] / 1000 / costs.digital_units / tokens,
        attention_busy_ns=busy[Unit.ATTENTION] / 1000 / costs.attention_units / tokens,
        digital_pj=_total(energies[Unit.VECTOR], tokens),
        attention_pj=_total(energies[Unit.ATTENTION], tokens),
        unknown=dict(sorted(unknown.items())),
    )


def _priced(operators: Sequence[Operator], constants: frozenset[str], costs: DigitalCosts) -> Iterator[OperatorCost]:
    free = free_of_data([(o.op_type, (*o.inputs, *o.seen), o.outputs) for o in operators], constants)
    for number, o in enumerate(operators):
        if number in free:
            yield OperatorCost(Unit.NONE)
        else:
            yield operator_cost(costs, o.op_type, o.input_shapes, o.output_shapes, domain=o.domain, equation=o.equation)


def _total(energies: Sequence[float | None], tokens: int) -> float | None:
    known = [energy for energy in energies if energy is not None]
    return sum(known) / tokens if len(known) == len(energies) else None
