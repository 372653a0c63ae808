"""A multiplication of a stage, as it is scheduled."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]


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
        return np.stack([*fields, same * self.planes, self.groups[:, 3], self._turns()[tile]], axis=1)

    def _turns(self) -> Table:
        """The turn of each tile (JOB): none of `c` copies has that of one of another number of copies."""
        if not len(self.copy):
            return np.zeros(len(self.tiles), np.int64)
        copies = int(self.copy.max()) + 1
        return self.copy + copies * (copies - 1) // 2

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
