"""The schedule of one stage: when each row group is converted, when partial sums are added, how long it takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passes.analysis.timing import ArrayTimes
from passes.schedule_arrays.analysis.activations import JOB, Occupancy, start_times
from passes.schedule_arrays.analysis.additions import schedule_additions

Table = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Product:
    """A multiplication of the stage: its tiles (weight_row, weight_column, rows, columns), their places (array, row,
    column), its row groups (a table GROUP), the number of the vector it multiplies, and that vector's planes."""

    tiles: Table
    places: Table
    groups: Table
    source: int
    planes: int

    def jobs(self) -> Table:
        """A row JOB for each row group."""
        tile, first = self.groups[:, 0], self.groups[:, 1]
        k, _, _, columns = self.tiles[tile].T
        array, row, column = self.places[tile].T
        same = np.ones_like(k)
        fields = (array, row + first, self.groups[:, 2], column, columns, same * self.source, k + first)
        return np.stack([*fields, same * self.planes, self.groups[:, 3]], axis=1)


@dataclass(frozen=True)
class StageSchedule:
    """Times in ps from when the inputs are in the arrays on: `starts` of row groups and `adds` (tables ADDITION) by
    product, and how long it takes until all sums are there."""

    starts: list[Table]
    adds: list[Table]
    duration: int


@dataclass(frozen=True)
class Resources:
    """What a stage is scheduled on: arrays, and digital units that add two vectors of `vector_width` in `add_ps`."""

    times: ArrayTimes
    digital_units: int
    add_ps: int
    vector_width: int


def schedule_stage(products: Sequence[Product], occupancy: Occupancy, resources: Resources) -> StageSchedule:
    """The schedule of multiplications that run at the same time; `occupancy` is of all weights, those of others too."""
    jobs = np.concatenate([np.zeros((0, len(JOB)), np.int64), *(product.jobs() for product in products)])
    start, end = start_times(jobs, occupancy, resources.times)
    limits = np.cumsum([len(product.groups) for product in products])[:-1]
    parts = [_parts(p, own) for p, own in zip(products, np.split(end, limits))]
    adds, summed = schedule_additions(parts, resources.digital_units, resources.add_ps, resources.vector_width)
    return StageSchedule(np.split(start, limits), adds, max(int(end.max(initial=0)), summed))


def _parts(product: Product, end: Table) -> Table:
    """The table PART of a product: which elements each row group contributes to, from which columns, and when."""
    tile = product.groups[:, 0]
    n, columns = product.tiles[tile, 1], product.tiles[tile, 3]
    return np.stack([n, columns, product.places[tile, 0], product.places[tile, 2], end], axis=1)
