"""Legality of control flow: what is in a body happens between its beginning and its end, and so can happen again."""

import numpy as np

from cimc.program.control_flow.bodies import WHOLE, bodies_of, body_of_records
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.timing import Numbers


def verify_bodies(program: Program, ends: Numbers) -> None:
    """Raises ProgramError if a record takes place outside of the time of the body that it is in (S14).

    `ends` tells when records are done; those of a kernel include its operators.
    """
    records = program.instructions
    bodies = bodies_of(records, program.controls)
    if not bodies:
        return
    inside = body_of_records(records, bodies)
    starts = records["start"].astype(np.int64)
    numbers = np.flatnonzero(inside != WHOLE)
    opens, closes = np.array([(starts[body.opens], starts[body.closes]) for body in bodies]).T
    first, last = opens[inside[numbers]], closes[inside[numbers]]
    for i in np.flatnonzero((starts[numbers] < first) | (ends[numbers] > last))[:1].tolist():
        number = numbers[i]
        took = f"record {number} takes from {starts[number]} to {ends[number]} ps"
        raise ProgramError(f"{took}, its body from {first[i]} to {last[i]} ps")
