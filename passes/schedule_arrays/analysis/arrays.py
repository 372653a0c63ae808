"""Arrays at work: activations whose vectors have arrived take their turns."""

import numpy as np
import numpy.typing as npt

from passes.schedule_arrays.analysis.in_flight import ProductInFlight, StageInFlight
from passes.schedule_arrays.analysis.prepared import Batch

Table = npt.NDArray[np.int64]


class Arrays:
    """All arrays, each free from `begin` on [ps], and the batches of activations that have just become ready."""

    def __init__(self, count: int, begin: int) -> None:
        self.free = np.full(count, begin, np.int64)
        self.ready: list[tuple[StageInFlight, Batch]] = []

    def arrived(self, stage: StageInFlight, vector: int) -> None:
        """A vector is in the arrays of its stage."""
        for number in stage.batches_of[vector]:
            stage.missing[number] -= 1
            if not stage.missing[number]:
                self.ready.append((stage, stage.batches[number]))

    def begin(self, now: int) -> list[ProductInFlight]:
        """Give all activations that are ready their times; the products all of whose activations now have one.

        An array does what is ready earlier first, and of what is ready at one time that with the longest path.
        """
        if not self.ready:
            return []
        members = [(stage.prepared.activations, batch.activations) for stage, batch in self.ready]
        array = np.concatenate([activations.array[own] for activations, own in members])
        duration = np.concatenate([activations.duration[own] for activations, own in members])
        path = np.concatenate([stage.path[batch.activations] for stage, batch in self.ready])
        start = self._in_turn(array, duration, path, now)
        ends = np.cumsum([len(own) for _, own in members])[:-1]
        complete: list[ProductInFlight] = []
        for (stage, batch), own in zip(self.ready, np.split(start, ends)):
            stage.start[batch.activations] = own
            for number in batch.products:
                product = stage.products[number]
                product.batches -= 1
                if not product.batches:
                    complete.append(product)
        self.ready = []
        return complete

    def _in_turn(self, array: Table, duration: Table, path: Table, now: int) -> Table:
        """When each activation starts: without a gap from when its array is free, those with the longest path first."""
        order = np.lexsort((-path, array))
        array, duration = array[order], duration[order]
        first = np.concatenate([[0], 1 + np.flatnonzero(np.diff(array))])
        end = np.cumsum(duration)
        offset = np.maximum(self.free[array[first]], now) - end[first] + duration[first]
        end += np.repeat(offset, np.diff(np.append(first, len(array))))
        last = np.append(first[1:], len(array)) - 1
        self.free[array[last]] = end[last]
        start = np.empty_like(end)
        start[order] = end - duration
        return start
