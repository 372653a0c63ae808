"""What is scheduled: operators, permutations and stages, what each waits for, and what on; and when each then runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passes.analysis.cost.digital import OperatorCost
from passes.analysis.stages.products import Product

Table = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Operator:
    """A digital operator: what it takes, and the values that it waits for."""

    cost: OperatorCost
    needs: Sequence[int]

    @property
    def is_free(self) -> bool:
        """Whether it is done as soon as its operands are there."""
        return not (self.cost.unit and self.cost.units and self.cost.picoseconds)


@dataclass(frozen=True)
class Permutation:
    """A vector that moves once more: for how long, and the values that it waits for."""

    picoseconds: int
    needs: Sequence[int]


@dataclass(frozen=True)
class Stage:
    """Multiplications, the vectors that they read, each with the values that it waits for, and how long each vector
    moves in (`ins`) and each product out (`outs`) [ps]."""

    products: Sequence[Product]
    needs: Sequence[Sequence[int]]
    ins: Sequence[int]
    outs: Sequence[int]


Step = Operator | Permutation | Stage
"""What has a place of its own in the order of a network. Its results are values, numbered in that order: one of an
operator or a permutation, one for each product of a stage."""
Row = Sequence[Operator] | Sequence[Permutation] | Sequence[Stage]
"""Steps that do not come after one another in the order by levels: the operators of a kernel, the permutations behind
it, or one stage."""


@dataclass(frozen=True)
class Run:
    """An operator occupies `units` (digital ones are numbered from 0, attention units follow) from `start` on [ps]."""

    units: tuple[int, ...]
    start: int
    duration: int

    @property
    def end(self) -> int:
        return self.start + self.duration


@dataclass(frozen=True)
class Moved:
    """A vector moves on a link (0 where there is any number of them) from `start` on [ps]."""

    link: int
    start: int
    duration: int

    @property
    def end(self) -> int:
        return self.start + self.duration


@dataclass(frozen=True)
class StageTimes:
    """When the parts of a stage run [ps]: its vectors `ins`; `starts` of row groups, `adds` (tables ADDITION, and of
    which copy each is) and `outs` by product."""

    ins: list[Moved]
    starts: list[Table]
    adds: list[Table]
    outs: list[Moved]

    @property
    def start(self) -> int:
        return min(moved.start for moved in self.ins)

    @property
    def end(self) -> int:
        return max(moved.end for moved in self.outs)


Times = Run | Moved | StageTimes


class TooLate(Exception):
    """An operator would end later than any program does: its number among the steps, and when [ps]."""

    def __init__(self, step: int, end: int):
        super().__init__(step, end)
        self.step, self.end = step, end
