"""Stages and products on their way: what has begun, and what is still to come."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from passes.analysis.stages.additions import ADDITION, Vector
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import Moved, StageTimes

Table = npt.NDArray[np.int64]


@dataclass(eq=False)
class ProductInFlight:
    """A product that is to be converted, added and moved out; then it is the value of that number.

    `path` is how long it takes until all is done from when it moves out [ps].
    """

    stage: "StageInFlight"
    number: int
    value: int
    path: int
    batches: int = 0
    """Batches of activations that have no time yet."""
    parts: int = 0
    """What has to be there before it moves out: all its conversions, and each vector of sums."""
    adds: list[tuple[int, int, int, int]] = field(default_factory=list[tuple[int, int, int, int]])


@dataclass(eq=False)
class SumInFlight:
    """A vector of elements of a product, of which there are several partial sums."""

    product: ProductInFlight
    vector: Vector


class StageInFlight:
    """A stage of which parts may have begun.

    `turns` are its turns in its arrays, and `first` is the value that its first product is. From when each product is
    converted, and from when it moves out, it takes `converted` and `outs` until all is done [ps].
    """

    def __init__(
        self, prepared: PreparedStage, turns: Table, first: int, converted: Sequence[int], outs: Sequence[int]
    ) -> None:
        self.prepared, self.turns = prepared, turns
        self.products = [ProductInFlight(self, i, first + i, path) for i, path in enumerate(outs)]
        self.batches = prepared.batches()
        self.batches_of: dict[int, list[int]] = {}
        """The numbers of the batches that wait for each vector."""
        for number, batch in enumerate(self.batches):
            for vector in batch.sources:
                self.batches_of.setdefault(vector, []).append(number)
        for batch in self.batches:
            for product in batch.products:
                self.products[product].batches += 1
        self.missing = [len(batch.sources) for batch in self.batches]
        """How many vectors each batch still waits for."""
        self.taken = np.zeros(len(turns), np.bool_)
        """In which arrays it has a set of registers."""
        self.undone = np.zeros(len(turns), np.int64)
        """How many products are still in each array, or are to come there."""
        for arrays in prepared.arrays_of_products:
            self.undone[arrays] += 1
        self.path = prepared.priorities(converted)
        self.start = np.zeros(len(prepared.activations.array), np.int64)
        """When each activation starts [ps]."""
        self.ins: dict[int, Moved] = {}
        self.outs: dict[int, Moved] = {}

    def left(self, product: int) -> Table:
        """The arrays in which nothing is left of the stage after this product moved out."""
        own = self.prepared.arrays_of_products[product]
        self.undone[own] -= 1
        return self.prepared.arrays[own[self.undone[own] == 0]]

    def times(self) -> StageTimes:
        """When its parts run, once all of them have begun."""
        starts = self.prepared.split(self.start[self.prepared.activations.of_job])
        adds = [
            product.additions(np.array(own.adds, np.int64).reshape(-1, len(ADDITION)))
            for product, own in zip(self.prepared.stage.products, self.products)
        ]
        return StageTimes(_in_order(self.ins), starts, adds, _in_order(self.outs))


def _in_order(moved: dict[int, Moved]) -> list[Moved]:
    return [moved[number] for number in range(len(moved))]
