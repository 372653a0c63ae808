"""The multiplications of a run: products of one value are made by one call, in memory that is kept for the next run."""

import math
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cimc.machine.engine import Engine
from cimc.machine.fast.engine import FastEngine
from cimc.machine.fast.loops import Call
from cimc.machine.fast.words import LANES, Words
from cimc.machine.plan import Group, Product, Step
from cimc.program.errors import ProgramError
from cimc.program.metadata import Multiplication
from cimc.program.program import Program

Values: TypeAlias = dict[int, NDArray[Any]]
MOST_KEPT = 1 << 25
"""Bytes of sums that are kept from run to run."""
Count: TypeAlias = tuple[int, int, int, int]
"""Of products in a stage: the stage, how many conversions they make of a vector, vectors, what clipped."""
_INT8, _UINT8 = np.dtype(np.int8), np.dtype(np.uint8)


@dataclass
class Room:
    """Where a run sums up products; one run has it at a time."""

    kept: dict[Group, "Sums"] = field(default_factory=dict[Group, "Sums"])
    size: int = 0

    def take(self, group: Group, shape: tuple[int, ...], dtype: np.dtype[Any], keep: bool) -> "Sums":
        """Room for the products of vectors [..., rows] of this shape and type."""
        known = self.kept.get(group)
        if known is not None and known.shape == shape and known.dtype == dtype:
            return known
        leading = shape[:-1]
        vectors = math.prod(leading)
        words = np.empty(vectors * group.columns + LANES, np.uint32)
        ends = (vectors * np.cumsum(group.widths)).tolist()
        parts = np.split(words.view(np.int32), ends)
        views = [part.reshape(*leading, product.columns) for part, product in zip(parts, group.products)]
        if known is not None:
            self.size -= self.kept.pop(group).words.nbytes
        sums = Sums(shape, dtype, words, views)
        if keep and self.size + words.nbytes <= MOST_KEPT:
            self.size += words.nbytes
            self.kept[group] = sums
        return sums


@dataclass
class Sums:
    """The products of a group: words, LANES more than needed, and each product [..., columns] as a view of them.

    They are of vectors of this shape and type. Where a call can be made again and again, `call` makes them of the
    vectors in `inputs`: to copy vectors there is several times faster than to ask where they are.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    words: Words
    views: list[NDArray[np.int32]]
    call: Call | None = None
    inputs: NDArray[Any] = field(default_factory=lambda: np.zeros(0))


@dataclass
class Run:
    """What a run has: values by slot, room, and how long it has been in compiled loops and in ONNX Runtime [s].

    `times` are those of all steps, `native` is that of the one at hand.
    """

    values: Values
    room: Room
    times: list[float] = field(default_factory=list[float])
    native: float = 0
    counts: list[Count] = field(default_factory=list[Count])


class Products:
    """Executes the steps with MULTIPLY records in an engine."""

    def __init__(self, program: Program, engine: Engine, steps: Sequence[Step]) -> None:
        self.program = program
        self.engine = engine
        groups = [group for step in steps for group in step.groups]
        self.together = isinstance(engine, FastEngine) and engine.lay_out(groups)
        outputs = {output.slot for output in program.outputs}
        self.own = {g for g in groups if not any(p.multiplication.y in outputs for p in g.products)}
        """The groups whose products nobody sees after a run."""
        self.rooms = deque[Room]()
        self.inverses: dict[int, NDArray[np.intp]] = {}

    def room(self) -> Room:
        """Room that no other run has; it is to be given back to `rooms` afterwards."""
        return self.rooms.pop() if self.rooms else Room()

    def execute(self, step: Step, run: Run) -> None:
        """Executes the records of one step.

        Raises ProgramError if a value is not what the multiplications take (I11).
        """
        values = run.values
        for group in step.groups:
            x = values[group.x]
            shape, dtype = x.shape, x.dtype
            if group.limited is not None:
                _check_bits(group.limited, x)
            sums = run.room.kept.get(group)
            if sums is None or sums.shape != shape or sums.dtype != dtype:
                _check(group, x)
                sums = run.room.take(group, shape, dtype, group in self.own)
            if sums.call is not None:
                start = time.perf_counter()
                sums.inputs[...] = x
                sums.call()
                run.native += time.perf_counter() - start
                clipped = 0
            else:
                clipped = self._multiply(group, x, sums, run)
            _count(step.stage, group, dtype == _INT8, math.prod(shape[:-1]), clipped, run)
            for product, view in zip(group.products, sums.views):
                order = product.multiplication.order
                values[product.multiplication.y] = view if order is None else self._ordered(view, order)
        for product in step.continued:
            self._continue(step.stage, product, run)

    def _multiply(self, group: Group, x: NDArray[Any], sums: Sums, run: Run) -> int:
        """Makes the products of a group, and finds out whether there is a call to make them again."""
        start, clipped = time.perf_counter(), 0
        if self.together:
            assert isinstance(self.engine, FastEngine)
            sums.inputs = x.copy()
            sums.call = self.engine.prepared(group, matrix(sums.inputs), sums.words)
            clipped = self.engine.multiply_group(group, matrix(x), sums.words) if sums.call is None else sums.call()
        else:
            sums.words[:] = 0
            for product, view in zip(group.products, sums.views):
                if product.last > product.first:
                    clipped += self.engine.multiply(product.first, product.last, matrix(x), matrix(view))
        run.native += time.perf_counter() - start
        return clipped

    def _continue(self, stage: int, product: Product, run: Run) -> None:
        """Adds records of a stage to a product that another step has begun."""
        x, y = (run.values[slot] for slot in (product.multiplication.x, product.multiplication.y))
        start, sums = time.perf_counter(), np.zeros_like(y)
        clipped = self.engine.multiply(product.first, product.last, matrix(x), matrix(sums))
        run.native += time.perf_counter() - start
        order = product.multiplication.order
        y += sums if order is None else self._ordered(sums, order)
        _count(stage, product, x.dtype == _INT8, len(matrix(x)), clipped, run)

    def _ordered(self, product: NDArray[np.int32], order: int) -> NDArray[np.int32]:
        """Column j goes to the element that table `order` says (I13)."""
        if order not in self.inverses:
            self.inverses[order] = np.argsort(self.program.tables[order])
        return np.take(product, self.inverses[order], axis=-1)


def _count(stage: int, products: Group | Product, signed: bool, vectors: int, clipped: int, run: Run) -> None:
    """Notes what products of so many vectors took."""
    for made, taken in products.made(vectors, signed):
        run.counts.append((stage, made, taken, clipped))
        clipped = 0


def conversions(counts: Iterable[Count]) -> dict[int, int]:
    """How many conversions were made, for every stage with any."""
    made: dict[int, int] = {}
    for stage, number, vectors, _ in counts:
        if number:
            made[stage] = made.get(stage, 0) + vectors * number
    return made


def clipped(counts: Iterable[Count]) -> dict[int, int]:
    """How many conversions clipped, for every stage with any conversions."""
    result: dict[int, int] = {}
    for stage, made, _, number in counts:
        if made:
            result[stage] = result.get(stage, 0) + number
    return result


def _check_bits(multiplication: Multiplication, x: NDArray[Any]) -> None:
    """The machine does not cut numbers off in silence that are too large for their planes (I24)."""
    bits = multiplication.input_bits
    if x.dtype != _UINT8:
        raise ProgramError(f"multiplication {multiplication.node} takes uint8 of {bits} bits, found {x.dtype}")
    if x.size and (largest := int(x.max())) >> bits:
        found = f"found {largest}, expected at most {(1 << bits) - 1}"
        raise ProgramError(f"multiplication {multiplication.node} takes numbers of {bits} bits: {found}")


def _check(group: Group, x: NDArray[Any]) -> None:
    if x.dtype not in (_INT8, _UINT8) or not x.ndim or x.shape[-1] != group.rows:
        raise ProgramError(
            f"multiplication {group.products[0].multiplication.node} takes vectors of {group.rows} int8 or "
            f"uint8, found {x.dtype} {list(x.shape)}"
        )


def matrix(vectors: NDArray[Any]) -> NDArray[Any]:
    """A contiguous array as [vectors, length], sharing its memory (I5)."""
    return vectors.reshape(math.prod(vectors.shape[:-1]), vectors.shape[-1])
