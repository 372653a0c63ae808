"""Where the arrays of a chip stand on its map."""

import math
from dataclasses import dataclass

import altair as alt

from cimc.program.metadata import Chip

GAP = 0.12
"""Between arrays, as a share of an array's longer side."""
LANDSCAPE = 2.4
"""Width by height of the whole map, about."""
HEADROOM = 0.02
NUMBERED = 400
"""Up to so many arrays bear their number."""


@dataclass(frozen=True)
class Grid:
    """Where the arrays stand: `across` in a line, `pitch` cells from one to the next, `size` cells all together.

    `gaps` are the cells between one and the next.
    """

    count: int
    across: int
    pitch: tuple[int, int]
    size: tuple[int, int]
    gaps: tuple[int, int]
    rows: int
    """Of one array."""

    @staticmethod
    def of(chip: Chip, count: int) -> "Grid":
        """About LANDSCAPE, with few places left empty in the last row."""
        gap = math.ceil(GAP * max(chip.rows, chip.columns))
        pitch = (chip.columns + gap, chip.rows + gap + (gap if count <= NUMBERED else 0))
        wanted = math.sqrt(count * LANDSCAPE * pitch[1] / pitch[0])
        candidates = range(max(1, math.floor(0.7 * wanted)), min(count, math.ceil(1.3 * wanted)) + 1)
        across = min(candidates, key=lambda n: (-count % n) / count + abs(math.log(n / wanted)) / 4)
        size = across * pitch[0] - gap, math.ceil(count / across) * pitch[1] - gap
        return Grid(count, across, pitch, size, (pitch[0] - chip.columns, pitch[1] - chip.rows), chip.rows)

    @property
    def lines(self) -> int:
        """How many lines of arrays there are."""
        return math.ceil(self.count / self.across)

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
