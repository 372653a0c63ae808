"""Control flow of a program: what LOOP, BRANCH, ELSE and END records mean beside their place in the stream."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TypeAlias

import numpy as np

from cimc.program.errors import ProgramError
from cimc.program.metadata import MAXIMAL_RANK, Json, JsonObject

LOOP, BRANCH = "loop", "branch"


@dataclass(frozen=True)
class Carried:
    """A value that each iteration hands to the next: values outside (before, after) and in the body (begin, end)."""

    initial: int
    begin: int
    end: int
    final: int


@dataclass(frozen=True)
class Sliced:
    """A value outside of which each iteration gets one slice along `axis`, the last first if `reverse`."""

    whole: int
    slice: int
    axis: int
    reverse: bool


@dataclass(frozen=True)
class Stacked:
    """A value outside that is made of one of each iteration, along a new `axis`, the last first if `reverse`.

    `dtype` and `shape` are those of what one iteration gives: without any, the result has 0 for a size that is None.
    """

    slice: int
    whole: int
    axis: int
    reverse: bool
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Loop:
    """An ONNX `Loop` or `Scan`: `trips` (int64) and `condition` (bool) are values outside, None where there are none.

    The body has the number of the iteration in `iteration` and the condition in `running`, each as a vector of one
    element where `vectors` says so, and tells in `again` whether to go on.
    """

    node: str
    trips: int | None = None
    condition: int | None = None
    iteration: int | None = None
    running: int | None = None
    vectors: tuple[bool, bool] = (False, False)
    again: int | None = None
    carried: tuple[Carried, ...] = ()
    sliced: tuple[Sliced, ...] = ()
    stacked: tuple[Stacked, ...] = ()

    @property
    def reads(self) -> tuple[int, ...]:
        """The values that are read when it begins."""
        slots = [self.trips, self.condition, *(c.initial for c in self.carried), *(s.whole for s in self.sliced)]
        return tuple(slot for slot in slots if slot is not None)

    @property
    def begins(self) -> tuple[tuple[int, ...], ...]:
        """The values that each body begins with."""
        slots = [self.iteration, self.running, *(c.begin for c in self.carried), *(s.slice for s in self.sliced)]
        return (tuple(slot for slot in slots if slot is not None),)

    @property
    def ends(self) -> tuple[tuple[int, ...], ...]:
        """The values that are read where each body ends."""
        slots = [self.again, *(c.end for c in self.carried), *(s.slice for s in self.stacked)]
        return (tuple(slot for slot in slots if slot is not None),)

    @property
    def writes(self) -> tuple[int, ...]:
        """The values that are written when it is over."""
        return (*(c.final for c in self.carried), *(s.whole for s in self.stacked))

    def to_json(self) -> dict[str, Json]:
        lists: dict[str, Json] = {name: [_json(value) for value in values] for name, values in self._lists()}
        numbers: dict[str, Json] = {
            "trips": self.trips,
            "condition": self.condition,
            "iteration": self.iteration,
            "running": self.running,
            "again": self.again,
        }
        vectors: dict[str, Json] = {"iteration_is_vector": self.vectors[0], "running_is_vector": self.vectors[1]}
        return {"type": LOOP, "node": self.node, **vectors, **numbers, **lists}

    def _lists(self) -> Iterator[tuple[str, tuple[Carried | Sliced | Stacked, ...]]]:
        yield from (("carried", self.carried), ("sliced", self.sliced), ("stacked", self.stacked))

    @staticmethod
    def from_json(value: JsonObject) -> "Loop":
        return Loop(
            node=value.text("node"),
            trips=_slot(value, "trips"),
            condition=_slot(value, "condition"),
            iteration=_slot(value, "iteration"),
            running=_slot(value, "running"),
            vectors=(value.flag("iteration_is_vector"), value.flag("running_is_vector")),
            again=_slot(value, "again"),
            carried=tuple(_carried(item) for item in value.children("carried")),
            sliced=tuple(_sliced(item) for item in value.children("sliced")),
            stacked=tuple(_stacked(item) for item in value.children("stacked")),
        )


@dataclass(frozen=True)
class Merged:
    """What an `If` gives: the value `result` outside is the one of the branch that was taken."""

    then: int
    otherwise: int
    result: int


@dataclass(frozen=True)
class Branch:
    """An ONNX `If`: `condition` (bool) is a value outside."""

    node: str
    condition: int
    merged: tuple[Merged, ...] = ()

    @property
    def reads(self) -> tuple[int, ...]:
        """The values that are read when it begins."""
        return (self.condition,)

    @property
    def begins(self) -> tuple[tuple[int, ...], ...]:
        """The values that each body begins with."""
        return ((), ())

    @property
    def ends(self) -> tuple[tuple[int, ...], ...]:
        """The values that are read where each body ends."""
        return tuple(m.then for m in self.merged), tuple(m.otherwise for m in self.merged)

    @property
    def writes(self) -> tuple[int, ...]:
        """The values that are written when it is over."""
        return tuple(m.result for m in self.merged)

    def to_json(self) -> dict[str, Json]:
        merged: list[Json] = [_json(value) for value in self.merged]
        return {"type": BRANCH, "node": self.node, "condition": self.condition, "merged": merged}

    @staticmethod
    def from_json(value: JsonObject) -> "Branch":
        merged = (Merged(*(m.count(n) for n in ("then", "otherwise", "result"))) for m in value.children("merged"))
        return Branch(value.text("node"), value.count("condition"), tuple(merged))


Control: TypeAlias = Loop | Branch


def control_from_json(value: JsonObject) -> Control:
    """A loop or a branch; ProgramError for anything else."""
    type_ = value.text("type")
    if type_ not in (LOOP, BRANCH):
        raise ProgramError(f"damaged: metadata {value.where}.type is not {LOOP!r} or {BRANCH!r}")
    return Loop.from_json(value) if type_ == LOOP else Branch.from_json(value)


def _json(value: Carried | Sliced | Stacked | Merged) -> Json:
    fields = asdict(value)
    return {**fields, "shape": list(value.shape)} if isinstance(value, Stacked) else fields


def _slot(value: JsonObject, key: str) -> int | None:
    return None if value.fields.get(key) is None else value.count(key)


def _axis(value: JsonObject) -> int:
    axis = value.count("axis")
    if axis >= MAXIMAL_RANK:
        raise ProgramError(f"damaged: metadata {value.where}.axis is {axis}, expected at most {MAXIMAL_RANK - 1}")
    return axis


def _carried(value: JsonObject) -> Carried:
    return Carried(*(value.count(name) for name in ("initial", "begin", "end", "final")))


def _sliced(value: JsonObject) -> Sliced:
    return Sliced(value.count("whole"), value.count("slice"), _axis(value), value.flag("reverse"))


def _stacked(value: JsonObject) -> Stacked:
    dtype, sizes = value.text("dtype"), list[int | None]()
    for size in value.shape("shape") or ():
        if isinstance(size, str):
            raise ProgramError(f"damaged: metadata {value.where}.shape has a name, expected numbers or null")
        sizes.append(size)
    if dtype != "string" and not _is_dtype(dtype):
        raise ProgramError(f"damaged: metadata {value.where}.dtype is not a type of numpy or 'string'")
    return Stacked(value.count("slice"), value.count("whole"), _axis(value), value.flag("reverse"), dtype, tuple(sizes))


def _is_dtype(name: str) -> bool:
    try:
        return np.dtype(name).kind in "fiubcV"
    except TypeError:
        return False
