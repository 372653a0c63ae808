"""Where arrays stand on the map: in lines, with gaps between them."""

import pytest

from cimc.program.metadata import Chip
from cimc.report.figures.maps.grid import Grid


@pytest.mark.parametrize("count", [1, 7, 400, 401, 102_816])
def test_lines_and_gaps(count: int) -> None:
    grid = Grid.of(Chip("pcm", 256, 128, 2, 1, 9, 8, "offset"), count)
    assert (grid.lines - 1) * grid.across < count <= grid.lines * grid.across
    assert grid.pitch == (128 + grid.gaps[0], 256 + grid.gaps[1])
    room = grid.gaps[0]
    assert grid.size == (grid.across * grid.pitch[0] - room, grid.lines * grid.pitch[1] - room)
    assert (grid.gaps[1] > grid.gaps[0]) == (grid.headroom > 0) == (count <= 400)
