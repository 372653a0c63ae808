"""The parts in which weights pass through a chip of few arrays: which arrays each programs, and how long that takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dialects.array import LoadOp, MultiplyOp
from dialects.hardware import ChipAttr
from dialects.locations import location
from passes.analysis.cost.intervals import newly_covered
from passes.rewriting.chip_times import picoseconds


@dataclass(frozen=True)
class Load:
    """A part of the weights: its arrays, the most rows of one that hold cells, and the time to program them [ps]."""

    number: int
    first: int
    last: int
    rows: int
    duration_ps: int

    def at(self, start_ps: int) -> LoadOp:
        """The operation that programs it from then on."""
        op = LoadOp(self.number, self.first, self.last, self.rows, start_ps, self.duration_ps)
        op.location = location(f"load {self.number}")
        return op


def load_ops(multiplies: Sequence[MultiplyOp], chip: ChipAttr) -> Mapping[int, Load]:
    """Each part by its number; none where all weights are in the chip. UserError if it gives no `program_row_ns`.

    All arrays are programmed at the same time, row by row.
    """
    members: dict[int, list[MultiplyOp]] = {}
    for op in multiplies:
        if op.load_number is not None:
            members.setdefault(op.load_number, []).append(op)
    return {number: _load(number, ops, picoseconds(chip.program_row_ns)) for number, ops in members.items()}


def _load(number: int, multiplies: Sequence[MultiplyOp], row_ps: int) -> Load:
    places: list[np.ndarray] = []
    for op in multiplies:
        assert op.places is not None
        places.append(np.column_stack([op.places.array[:, :2], op.tiles.array[:, 2]]))
    arrays, first, rows = np.concatenate(places).T
    begin = int(arrays.min())
    most = int(np.bincount(arrays - begin, newly_covered(arrays, first, rows)).max())
    return Load(number, begin, int(arrays.max()), most, most * row_ps)
