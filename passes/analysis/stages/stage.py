"""The schedule of one stage: when each row group is converted, when partial sums are added, how long it takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passes.analysis.stages.activations import JOB, Occupancy, start_times
from passes.analysis.stages.additions import schedule_additions
from passes.analysis.stages.products import Product
from passes.analysis.stages.resources import Resources

Table = npt.NDArray[np.int64]


@dataclass(frozen=True)
class StageSchedule:
    """Times in ps from when the inputs are in the arrays on: `starts` of row groups and `adds` (tables ADDITION) by
    product, and how long it takes until all sums are there."""

    starts: list[Table]
    adds: list[Table]
    duration: int


def schedule_stage(products: Sequence[Product], occupancy: Occupancy, resources: Resources) -> StageSchedule:
    """The schedule of multiplications that run at the same time; `occupancy` is of all weights, those of others too."""
    jobs = np.concatenate([np.zeros((0, len(JOB)), np.int64), *(product.jobs() for product in products)])
    start, end = start_times(jobs, occupancy, resources.times)
    limits = np.cumsum([len(product.groups) for product in products])[:-1]
    parts = [p.parts(own) for p, own in zip(products, np.split(end, limits))]
    adds, summed = schedule_additions(parts, resources.digital_units, resources.add_ps, resources.vector_width)
    return StageSchedule(np.split(start, limits), adds, max(int(end.max(initial=0)), summed))
