"""Where the arrays of a chip stand on its map."""

import altair as alt

from cimc.program.metadata import Chip
from cimc.report.chip_map import ChipMap, chip_map

HEADROOM = 0.02
NUMBERED = 400
"""Up to so many arrays bear their number."""


class Grid(ChipMap):
    """The map of a chip, with the expressions of its charts."""

    @staticmethod
    def of(chip: Chip, count: int, banded: bool = False) -> "Grid":
        """The grid of so many arrays, with room for bands below them if asked for."""
        return Grid(**vars(chip_map(chip, count, numbered=count <= NUMBERED, banded=banded)))

    @property
    def headroom(self) -> float:
        """Above the arrays, for the numbers of the first ones, as a share of the width."""
        return HEADROOM if self.count <= NUMBERED else 0

    @property
    def aspect(self) -> float:
        """Height by width."""
        return self.size[1] / self.size[0] + self.headroom

    @property
    def left(self) -> str:
        """Vega expression: the first column of an array."""
        return f"(datum.array % {self.across}) * {self.pitch[0]}"

    @property
    def top(self) -> str:
        """Vega expression: the first row of an array."""
        return f"floor(datum.array / {self.across}) * {self.pitch[1]}"

    @property
    def x(self) -> alt.X:
        """The horizontal axis, in cells."""
        return alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, self.size[0]], nice=False, padding=0))

    @property
    def y(self) -> alt.Y:
        """The vertical axis, in cells from the top."""
        domain = [self.size[1], -self.headroom * self.size[0]]
        return alt.Y("y:Q", axis=None, scale=alt.Scale(domain=domain, nice=False, padding=0))

    @property
    def corners(self) -> tuple[alt.X, alt.Y, alt.X2, alt.Y2]:
        """Where a rectangle begins and ends: rows with `x`, `y`, `x2` and `y2`."""
        return self.x, self.y, alt.X2("x2"), alt.Y2("y2")

    @property
    def end_of_run(self) -> str:
        """Vega expression: the last column of the `arrays` that lie side by side from `x` on."""
        return f"datum.x + datum.arrays * {self.pitch[0]} - {self.gaps[0]}"
