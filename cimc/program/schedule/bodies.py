"""Legality of control flow: what is in a body happens between its beginning and its end, and so can happen again.

What is in front of it, or after it, happens before, or after, that: control flow is a barrier.
"""

import numpy as np

from cimc.program.control_flow.bodies import WHOLE, Body, bodies_of, body_of_records
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.times.timing import Numbers


def verify_bodies(program: Program, ends: Numbers) -> None:
    """Raises ProgramError if a record takes place outside of the time of its body, or inside of another's (S14).

    `ends` tells when records are done; those of a kernel include its operators.
    """
    bodies = bodies_of(program.instructions, program.controls)
    if bodies:
        starts = program.instructions["start"].astype(np.int64)
        _verify_inside(body_of_records(program.instructions, bodies), bodies, starts, ends)
        _verify_barriers(np.array([(body.opens, body.closes) for body in bodies]).T, starts, ends)


def _verify_inside(inside: Numbers, bodies: list[Body], starts: Numbers, ends: Numbers) -> None:
    numbers = np.flatnonzero(inside != WHOLE)
    opens, closes = np.array([(starts[body.opens], starts[body.closes]) for body in bodies]).T
    first, last = opens[inside[numbers]], closes[inside[numbers]]
    for i in np.flatnonzero((starts[numbers] < first) | (ends[numbers] > last))[:1].tolist():
        number = numbers[i]
        took = f"record {number} takes from {starts[number]} to {ends[number]} ps"
        raise ProgramError(f"{took}, its body from {first[i]} to {last[i]} ps")


def _verify_barriers(limits: Numbers, starts: Numbers, ends: Numbers) -> None:
    """Where the first body of control flow begins all before is done; nothing after starts before its last one ends.

    `limits` are [2, bodies]: the records that begin and end them.
    """
    opens, closes = limits
    latest, earliest = np.maximum.accumulate(ends), np.minimum.accumulate(starts[::-1])[::-1]
    for number in opens[latest[opens] > starts[opens]][:1].tolist():
        before = int(np.argmax(ends[:number]))
        took = f"record {before} takes until {ends[before]} ps"
        raise ProgramError(f"{took}, the body that record {number} begins from {starts[number]} ps on")
    for number in closes[earliest[closes] < starts[closes]][:1].tolist():
        after = number + int(np.argmin(starts[number:]))
        raise ProgramError(
            f"record {after} starts at {starts[after]} ps, the body that record {number} ends takes until "
            f"{starts[number]} ps"
        )
