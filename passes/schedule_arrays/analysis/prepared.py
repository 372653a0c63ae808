"""A stage taken apart: what must have arrived before an activation, and which arrays vectors and products use."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from passes.analysis.stages.activations import JOB, Activations, Occupancy, activations_of
from passes.analysis.timing import ArrayTimes
from passes.schedule_arrays.analysis.steps import Stage

Table = npt.NDArray[np.int64]
_SOURCE = JOB.index("source")


@dataclass(frozen=True)
class Batch:
    """Activations (their numbers) that wait for the same vectors, and the products that they convert for."""

    sources: tuple[int, ...]
    activations: Table
    products: list[int]


@dataclass(frozen=True)
class PreparedStage:
    """A stage and its activations; the row groups (jobs) of its product i are `limits[i]` to `limits[i + 1]`."""

    stage: Stage
    jobs: Table
    limits: list[int]
    activations: Activations

    @staticmethod
    def of(stage: Stage, occupancy: Occupancy, times: ArrayTimes) -> "PreparedStage":
        """The stage with its activations: which row groups run together, whenever that is."""
        jobs = np.concatenate([np.zeros((0, len(JOB)), np.int64), *(product.jobs() for product in stage.products)])
        limits = [0, *np.cumsum([len(product.groups) for product in stage.products]).tolist()]
        return PreparedStage(stage, jobs, limits, activations_of(jobs, occupancy, times))

    def split(self, of_jobs: Table) -> list[Table]:
        """What there is one of for each job, by product."""
        return np.split(of_jobs, self.limits[1:-1])

    @cached_property
    def product_of_job(self) -> Table:
        return np.repeat(np.arange(len(self.stage.products)), np.diff(self.limits))

    @cached_property
    def arrays(self) -> Table:
        """The arrays that the stage uses, sorted; other tables say which of them by their place here."""
        return np.unique(self.activations.array)

    @cached_property
    def arrays_of_vectors(self) -> list[Table]:
        """Which arrays each vector goes to."""
        return self._arrays_by(self.jobs[:, _SOURCE], len(self.stage.needs))

    @cached_property
    def arrays_of_products(self) -> list[Table]:
        """Which arrays convert for each product."""
        return self._arrays_by(self.product_of_job, len(self.stage.products))

    def _arrays_by(self, owner: Table, count: int) -> list[Table]:
        array = np.searchsorted(self.arrays, self.jobs[:, 0])
        pairs = np.unique(owner * len(self.arrays) + array)
        return np.split(pairs % max(1, len(self.arrays)), _starts(pairs // max(1, len(self.arrays)), count))

    @cached_property
    def longest(self) -> list[int]:
        """How long the activations of each product take in the array that they keep busy longest [ps]."""
        width = len(self.arrays)
        pairs = np.unique(self.product_of_job * len(self.activations.array) + self.activations.of_job)
        product, activation = np.divmod(pairs, max(1, len(self.activations.array)))
        array = np.searchsorted(self.arrays, self.activations.array[activation])
        busy = np.zeros(len(self.stage.products) * width, np.int64)
        np.add.at(busy, product * width + array, self.activations.duration[activation])
        return busy.reshape(len(self.stage.products), width).max(axis=1, initial=0).tolist()

    def batches(self) -> list[Batch]:
        """The activations by the vectors that they wait for; those of several vectors drive rows for each."""
        of_job, source = self.activations.of_job, self.jobs[:, _SOURCE]
        count = len(self.activations.array)
        first, last = np.full(count, len(self.stage.needs)), np.zeros(count, np.int64)
        np.minimum.at(first, of_job, source)
        np.maximum.at(last, of_job, source)
        waits: dict[tuple[int, ...], list[Table]] = {}
        for vector in np.unique(source).tolist():
            alone = np.flatnonzero((first == vector) & (last == vector))
            if len(alone):
                waits[(vector,)] = [alone]
        for activation in np.flatnonzero(first != last).tolist():
            sources = tuple(sorted({*source[of_job == activation].tolist()}))
            waits.setdefault(sources, []).append(np.array([activation], np.int64))
        return [self._batch(sources, np.concatenate(members)) for sources, members in waits.items()]

    def _batch(self, sources: tuple[int, ...], activations: Table) -> Batch:
        inside = np.zeros(len(self.activations.array), np.bool_)
        inside[activations] = True
        return Batch(sources, activations, np.unique(self.product_of_job[inside[self.activations.of_job]]).tolist())

    def priorities(self, of_products: Sequence[int]) -> Table:
        """The greatest number of the products that each activation converts for."""
        greatest = np.zeros(len(self.activations.array), np.int64)
        np.maximum.at(greatest, self.activations.of_job, np.array(of_products, np.int64)[self.product_of_job])
        return greatest


def _starts(owner: Table, count: int) -> Table:
    """Where the parts of owners 1 to `count` - 1 begin among sorted owners."""
    return np.searchsorted(owner, np.arange(1, count))
