"""Control flow at work: loops and branches over values by slot, as ONNX Runtime runs `Loop`, `Scan` and `If`."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimc.machine.products import Values
from cimc.program.control_flow.controls import Branch, Loop, Stacked
from cimc.program.errors import ProgramError

Elements = list[NDArray[Any]]


class Stopped(Exception):
    """A run that nobody waits for any more."""


@dataclass(frozen=True)
class ControlFlow:
    """Runs loops and branches of a program over its values; whoever calls it runs their bodies.

    Values in `unstable` are overwritten when their stage runs again: what control flow takes of them is copied.
    """

    unstable: Collection[int] = ()

    def loop(self, loop: Loop, values: Values, body: Callable[[], None]) -> None:
        """Run the body as often as the loop says, and write what is made of it (I21).

        Raises ProgramError for values that are not what ONNX takes.
        """
        trips = None if loop.trips is None else _number(loop, "trip count", values[loop.trips], np.int64)
        goes_on = loop.condition is None or _truth(loop, values[loop.condition])
        wholes = [values[sliced.whole] for sliced in loop.sliced]
        length = _length(loop, wholes)
        limit = min((count for count in (trips, length) if count is not None), default=None)
        state = [self._kept(values, carried.initial) for carried in loop.carried]
        stacks = [_Stack(loop, stacked) for stacked in loop.stacked]
        running: NDArray[Any] = np.array([goes_on] if loop.vectors[1] else goes_on)
        number = 0
        while goes_on and (limit is None or number < limit):
            if loop.iteration is not None:
                values[loop.iteration] = np.array([number] if loop.vectors[0] else number, np.int64)
            if loop.running is not None:
                values[loop.running] = running
            values.update(zip((carried.begin for carried in loop.carried), state))
            for sliced, whole in zip(loop.sliced, wholes):
                at = whole.shape[sliced.axis] - 1 - number if sliced.reverse else number
                values[sliced.slice] = np.asarray(np.take(whole, at, axis=sliced.axis))
            body()
            if loop.again is not None:
                running = self._kept(values, loop.again)
                goes_on = _truth(loop, running)
            state = [self._kept(values, carried.end) for carried in loop.carried]
            for stack in stacks:
                stack.elements.append(self._kept(values, stack.of.slice))
            number += 1
        values.update(zip((carried.final for carried in loop.carried), state))
        values.update((stack.of.whole, stack.result()) for stack in stacks)

    def branch(self, branch: Branch, values: Values, bodies: tuple[Callable[[], None], Callable[[], None]]) -> None:
        """Run one of the bodies, by the condition, and write what it gives (I22)."""
        taken = _truth(branch, values[branch.condition])
        bodies[0 if taken else 1]()
        for merged in branch.merged:
            values[merged.result] = self._kept(values, merged.then if taken else merged.otherwise)

    def _kept(self, values: Values, slot: int) -> NDArray[Any]:
        value = values[slot]
        return value.copy() if slot in self.unstable else value


@dataclass
class _Stack:
    """What a loop stacks up: an element of each iteration."""

    loop: Loop
    of: Stacked
    elements: Elements = field(default_factory=Elements)

    def result(self) -> NDArray[Any]:
        """All of them along a new axis."""
        elements = self.elements[::-1] if self.of.reverse else self.elements
        try:
            if elements:
                return np.stack(elements, self.of.axis)
            return np.zeros(self._nothing(), np.object_ if self.of.dtype == "string" else np.dtype(self.of.dtype))
        except ValueError as error:  # elements of different shapes, or an axis that they do not have
            shapes = " and ".join(str(list(shape)) for shape in dict.fromkeys(e.shape for e in elements))
            raise ProgramError(
                f"node {self.loop.node}: iterations give {shapes or 'nothing'}, which cannot be stacked along axis "
                f"{self.of.axis}"
            ) from error

    def _nothing(self) -> tuple[int, ...]:
        """The shape where there was no iteration."""
        shape = [size or 0 for size in self.of.shape]
        return (*shape[: self.of.axis], 0, *shape[self.of.axis :])


def _number(loop: Loop, noun: str, value: NDArray[Any], dtype: type[np.generic]) -> int:
    if value.dtype != dtype or value.size != 1:
        raise ProgramError(f"node {loop.node}: its {noun} is {value.dtype} {list(value.shape)}, expected one number")
    return int(value.reshape(-1)[0])


def _truth(control: Loop | Branch, value: NDArray[Any]) -> bool:
    if value.dtype != np.bool_ or value.size != 1:
        raise ProgramError(
            f"node {control.node}: its condition is {value.dtype} {list(value.shape)}, expected one truth value"
        )
    return bool(value.reshape(-1)[0])


def _length(loop: Loop, wholes: Elements) -> int | None:
    """How many slices the values have that iterations get slices of."""
    for sliced, whole in zip(loop.sliced, wholes):
        if sliced.axis >= whole.ndim:
            raise ProgramError(f"node {loop.node}: goes through axis {sliced.axis} of a value of {list(whole.shape)}")
    lengths = [whole.shape[sliced.axis] for sliced, whole in zip(loop.sliced, wholes)]
    if len(set(lengths)) > 1:
        raise ProgramError(f"node {loop.node}: goes through values of {' and '.join(map(str, lengths))} slices")
    return lengths[0] if lengths else None
