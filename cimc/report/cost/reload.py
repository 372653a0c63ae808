"""What it takes that weights pass through the chip in parts (formulas in docs/cost-model.md)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.formats import slices_of
from cimc.program.arrays.tiles import own_places
from cimc.program.program import Program
from cimc.program.records import Opcode, Records
from dialects.hardware import ChipAttr

_ARRAY, _ROWS, _COLUMNS = 1, 4, 5
"""Columns of the tile table."""


@dataclass(frozen=True)
class Reload:
    """Programming of arrays for a token or an inference: all tokens of a run pass through a part of the weights before
    the next part comes."""

    loads: int
    """Parts of the weights."""
    arrays: int
    """The most that a part takes."""
    crossbars: int
    """The most that the arrays of a part have."""
    writes: float
    """How often a cell is written, at most."""
    time_ns: float | None
    energy_pj: float | None
    endurance: float | None
    """How often a cell can be written; None if the chip does not say."""

    @property
    def lasts(self) -> float | None:
        """For how many tokens or inferences cells last, at least."""
        return None if self.endurance is None else self.endurance / self.writes


def reload_of(program: Program, chip: ChipAttr, tokens: int) -> Reload | None:
    """What loads take for each of `tokens` tokens of a run; None for a program whose weights stay in the arrays."""
    loads = program.instructions[program.instructions["op"] == Opcode.LOAD]
    if not len(loads):
        return None
    price, timing = chip.number("program_cell_pj"), program.timing
    cells, row_ps = _spans(loads, _cells_of_arrays(program)), None if timing is None else timing.program_row_ps
    return Reload(
        loads=len(np.unique(loads["k"])),
        arrays=int(loads["n"].max()),
        crossbars=int(_spans(loads, slices_of(program)).max()),
        writes=len(loads) / tokens,
        time_ns=None if row_ps is None else int(loads["rows"].sum()) * row_ps / 1000 / tokens,
        energy_pj=None if price is None else float(cells.sum()) * price / tokens,
        endurance=chip.number("endurance"),
    )


def arrays_of_loads(program: Program) -> dict[int, range]:
    """The arrays of each part of the weights, by its number; none where weights stay in the arrays."""
    loads = program.instructions[program.instructions["op"] == Opcode.LOAD]
    spans = zip(loads["k"].tolist(), loads["array"].tolist(), loads["n"].tolist(), strict=True)
    return {number: range(first, first + count) for number, first, count in sorted(spans)}


def _cells_of_arrays(program: Program) -> NDArray[np.int64]:
    """How many cells of each array hold a part of a weight, in all of its crossbars."""
    tiles = program.tiles[own_places(program.tiles)].astype(np.int64)
    weights = np.zeros(len(program.arrays), np.int64)
    np.add.at(weights, tiles[:, _ARRAY], tiles[:, _ROWS] * tiles[:, _COLUMNS])
    return weights * slices_of(program)


def _spans(loads: Records, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sum of what is counted for each array over the arrays of each load."""
    before = np.concatenate([[0], np.cumsum(counts)])
    first = loads["array"].astype(np.int64)
    return before[first + loads["n"]] - before[first]
