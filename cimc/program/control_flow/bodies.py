"""Bodies of control flow in a stream of records: from which record to which they go, and which are inside of which."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cimc.program.control_flow.controls import Branch, Control, Loop
from cimc.program.errors import ProgramError
from cimc.program.records import CONTROL_FLOW, Opcode, Records

DEEPEST = 64
"""Bodies inside of each other."""
WHOLE = -1
"""Instead of the number of a body: the program itself."""


@dataclass(frozen=True)
class Body:
    """A body of control flow `control`: the records after number `opens` and before number `closes`, in another body.

    `branch` is 1 for the second branch of an `If`, and 0 for all else.
    """

    control: int
    branch: int
    opens: int
    closes: int
    around: int


def bodies_of(records: Records, controls: Sequence[Control]) -> list[Body]:
    """The bodies in the order in which they begin (I19).

    Raises ProgramError unless all control flow is there once and each is closed by what fits it, inside of its body.
    """
    reader = _Reader(controls)
    for number in np.flatnonzero(np.isin(records["op"], CONTROL_FLOW)).tolist():
        reader.follow(number, Opcode(int(records["op"][number])), int(records["k"][number]))
    for body in reader.waiting[-1:]:
        raise ProgramError(f"control flow {reader.bodies[body].control} begins and never ends")
    for k in range(len(controls)):
        if k not in reader.begun:
            raise ProgramError(f"control flow {k} is never run")
    return reader.bodies


@dataclass
class _Reader:
    """Reads records one after the other; `waiting` are the bodies that have begun and not ended."""

    controls: Sequence[Control]
    bodies: list[Body] = field(default_factory=list[Body])
    waiting: list[int] = field(default_factory=list[int])
    begun: set[int] = field(default_factory=set[int])

    def follow(self, number: int, op: Opcode, k: int) -> None:
        """The record of that number, which is about control flow `k`."""
        if k >= len(self.controls):
            raise ProgramError(f"record {number} uses control flow {k}, the program has {len(self.controls)}")
        match op:
            case Opcode.LOOP | Opcode.BRANCH:
                if k in self.begun:
                    raise ProgramError(f"record {number} begins control flow {k} once more")
                if isinstance(self.controls[k], Loop) != (op is Opcode.LOOP):
                    raise ProgramError(f"record {number} takes control flow {k} for a {op.name.lower()}")
                self.begun.add(k)
                self._begin(number, k, 0)
            case Opcode.ELSE:
                self._end(number, k, 0, isinstance(self.controls[k], Branch))
                self._begin(number, k, 1)
            case _:
                self._end(number, k, int(isinstance(self.controls[k], Branch)), True)

    def _begin(self, number: int, k: int, branch: int) -> None:
        if len(self.waiting) >= DEEPEST:
            raise ProgramError(f"record {number} begins a body in {DEEPEST} others, expected fewer")
        around = self.waiting[-1] if self.waiting else WHOLE
        self.waiting.append(len(self.bodies))
        self.bodies.append(Body(k, branch, number, number, around))

    def _end(self, number: int, k: int, branch: int, fits: bool) -> None:
        last = self.bodies[self.waiting[-1]] if self.waiting else None
        if last is None or not fits or (last.control, last.branch) != (k, branch):
            raise ProgramError(f"record {number} ends a body of control flow {k}, which is not the last that began")
        self.bodies[self.waiting.pop()] = replace(last, closes=number)


def body_of_records(records: Records, bodies: Sequence[Body]) -> NDArray[np.int64]:
    """For each record the number of the body that it is in, `WHOLE` for none."""
    inside = np.full(len(records), WHOLE, np.int64)
    for number, body in enumerate(bodies):  # inner ones begin later
        inside[body.opens + 1 : body.closes] = number
    return inside


def around(body: int, bodies: Sequence[Body]) -> list[int]:
    """The bodies that one is in, from the outermost on, with itself; none for `WHOLE`."""
    path: list[int] = []
    while body != WHOLE:
        path.append(body)
        body = bodies[body].around
    return path[::-1]
