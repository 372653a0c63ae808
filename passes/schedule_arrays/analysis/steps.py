"""What is scheduled: operators, permutations and stages, what each waits for, and what on; and when each then runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from passes.analysis.cost.digital import OperatorCost
from passes.analysis.timing import ArrayTimes

Table = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Resources:
    """What steps are scheduled on: arrays with `buffers` sets of registers each, digital units that add two vectors of
    `vector_width` in `add_ps`, attention units, and `links` that move a vector at a time (None: any number of them)."""

    times: ArrayTimes
    digital_units: int
    add_ps: int
    vector_width: int
    attention_units: int = 0
    buffers: int = 1
    links: int | None = None


@dataclass(frozen=True)
class Product:
    """A multiplication of the stage: its tiles (weight_row, weight_column, rows, columns), their places (array, row,
    column), its row groups (a table GROUP), the number of the vector it multiplies, and that vector's planes.

    `copy` tells the copy of the weight that each tile is of; none where there is one. Copies have no partial sums in
    common, so their elements are numbered one copy after the other, with a gap in between, while they are scheduled.
    """

    tiles: Table
    places: Table
    groups: Table
    source: int
    planes: int
    copy: Table = field(default_factory=lambda: np.zeros(0, np.int64))

    def jobs(self) -> Table:
        """A row JOB for each row group."""
        tile, first = self.groups[:, 0], self.groups[:, 1]
        k, _, _, columns = self.tiles[tile].T
        array, row, column = self.places[tile].T
        same = np.ones_like(k)
        fields = (array, row + first, self.groups[:, 2], column, columns, same * self.source, k + first)
        turn = self.copy[tile] + int(self.copy.max()) + 1 if len(self.copy) else np.zeros_like(k)
        return np.stack([*fields, same * self.planes, self.groups[:, 3], turn], axis=1)

    def parts(self, end: Table) -> Table:
        """Its table PART: which elements each row group contributes to, from which columns, and when."""
        tile = self.groups[:, 0]
        n, columns = self.tiles[tile, 1], self.tiles[tile, 3]
        if len(self.copy):
            n = n + self.copy[tile] * self._elements
        return np.stack([n, columns, self.places[tile, 0], self.places[tile, 2], end], axis=1)

    def additions(self, table: Table) -> Table:
        """Its additions (a table ADDITION), each with the copy that it is of as one more column."""
        copy, first = np.divmod(table[:, 0], self._elements)
        return np.column_stack([first, table[:, 1:], copy])

    @property
    def _elements(self) -> int:
        """Those of a copy, and one that is in none."""
        return 1 + int((self.tiles[:, 1] + self.tiles[:, 3]).max(initial=0))


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
