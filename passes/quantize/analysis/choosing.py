"""Which weights get fewer bits: cells that are saved against the error that they cost, the best bargains first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Option:
    """A weight in so many bits: the crossbars it takes (or what is as good to compare), and its squared error."""

    bits: int
    cost: float
    error: float


@dataclass(frozen=True)
class Step:
    """A weight goes from `more` to fewer bits."""

    symbol: str
    more: Option
    fewer: Option

    @property
    def price(self) -> float:
        """Squared error for what is saved."""
        return (self.fewer.error - self.more.error) / (self.more.cost - self.fewer.cost)


def steps_of(options: Mapping[str, Sequence[Option]]) -> list[Step]:
    """All steps that are worth it, those first that save most for their error; of equal ones, in order of weights.

    The options of a weight are from many bits to few. Left out are those that save nothing, and those to which a step
    from more bits to fewer is the better bargain.
    """
    steps: list[Step] = []
    for symbol, own in options.items():
        path = [own[0]]
        for option in own[1:]:
            if option.cost >= path[-1].cost:
                continue
            while len(path) > 1 and Step(symbol, path[-1], option).price <= Step(symbol, path[-2], path[-1]).price:
                path.pop()
            path.append(option)
        steps += [Step(symbol, more, fewer) for more, fewer in pairwise(path)]
    return sorted(steps, key=lambda step: step.price)  # a weight's own have rising prices, so they stay in order


def squared_errors(options: Mapping[str, Sequence[Option]], steps: Sequence[Step]) -> list[float]:
    """The sum of all squared errors after none of the steps, the first one, the first two, and so on."""
    totals = [sum(own[0].error for own in options.values())]
    for step in steps:
        totals.append(totals[-1] + step.fewer.error - step.more.error)
    return totals


def within(totals: Sequence[float], most: float) -> int:
    """How many steps can be taken so that the sum of squared errors is at most `most`."""
    return max((number for number, total in enumerate(totals) if total <= most), default=0)
