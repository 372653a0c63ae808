"""Bodies of control flow: where they begin and end in a stream of records (I19)."""

from collections.abc import Sequence

import numpy as np
import pytest

from cimc.program.control_flow.bodies import DEEPEST, WHOLE, Body, around, bodies_of, body_of_records
from cimc.program.control_flow.controls import Branch, Control, Loop
from cimc.program.errors import ProgramError
from cimc.program.records import Opcode, Records, control_record, kernel_record

LOOP, BRANCH, ELSE, END = Opcode.LOOP, Opcode.BRANCH, Opcode.ELSE, Opcode.END
CONTROLS = (Loop("/loop"), Branch("/if", 0))


def records(*steps: tuple[Opcode, int] | None) -> Records:
    """Records of control flow, and None for any other."""
    made = [
        kernel_record(stage=0, kernel=0) if step is None else control_record(op=step[0], stage=0, control=step[1])
        for step in steps
    ]
    return np.concatenate(made)


def test_bodies_in_each_other() -> None:
    stream = records(None, (LOOP, 0), None, (BRANCH, 1), None, (ELSE, 1), (END, 1), None, (END, 0), None)
    bodies = bodies_of(stream, CONTROLS)
    assert bodies == [Body(0, 0, 1, 8, WHOLE), Body(1, 0, 3, 5, 0), Body(1, 1, 5, 6, 0)]
    assert body_of_records(stream, bodies).tolist() == [WHOLE, WHOLE, 0, 0, 1, 0, 0, 0, WHOLE, WHOLE]
    assert (around(2, bodies), around(WHOLE, bodies)) == ([0, 2], [])


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (records((LOOP, 2)), "record 0 uses control flow 2, the program has 2"),
        (records((LOOP, 0), (END, 0), (LOOP, 0)), "record 2 begins control flow 0 once more"),
        (records((BRANCH, 0)), "record 0 takes control flow 0 for a branch"),
        (records((LOOP, 1)), "record 0 takes control flow 1 for a loop"),
        (records((END, 0)), "record 0 ends a body of control flow 0, which is not the last that began"),
        (records((LOOP, 0), (ELSE, 0)), "record 1 ends a body of control flow 0, which is not the last that began"),
        (records((BRANCH, 1), (END, 1)), "record 1 ends a body of control flow 1, which is not the last that began"),
        (
            records((LOOP, 0), (BRANCH, 1), (END, 0)),
            "record 2 ends a body of control flow 0, which is not the last that began",
        ),
        (records((LOOP, 0), (BRANCH, 1), (ELSE, 1)), "control flow 1 begins and never ends"),
        (records((LOOP, 0), (END, 0)), "control flow 1 is never run"),
    ],
)
def test_messages(stream: Records, message: str) -> None:
    with pytest.raises(ProgramError) as error:
        bodies_of(stream, CONTROLS)
    assert str(error.value) == message


def test_bodies_are_not_as_deep_as_anyone_likes() -> None:
    controls: Sequence[Control] = [Loop("")] * (DEEPEST + 1)
    with pytest.raises(ProgramError, match=f"record {DEEPEST} begins a body in {DEEPEST} others, expected fewer"):
        bodies_of(records(*((LOOP, k) for k in range(DEEPEST + 1))), controls)
