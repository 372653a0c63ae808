"""The words of the listing for control flow."""

import pytest

from cimc.program.control_flow.control_text import control_text
from cimc.program.control_flow.controls import Branch, Carried, Control, Loop, Merged, Sliced, Stacked
from cimc.program.records import Opcode

WHILE = Loop(
    "/loop",
    trips=0,
    condition=1,
    iteration=2,
    running=3,
    again=4,
    carried=(Carried(5, 6, 7, 8),),
    stacked=(Stacked(9, 10, 0, False, "float32", (4,)),),
)
SCAN = Loop("/scan", sliced=(Sliced(0, 1, 2, True),), stacked=(Stacked(2, 3, 1, True, "float32", ()),))
IF = Branch("/if", 0, (Merged(1, 2, 3), Merged(4, 5, 6)))


@pytest.mark.parametrize(
    ("op", "control", "text"),
    [
        (Opcode.LOOP, WHILE, "0 v0 times, while v1, v2 = iteration, v3 = condition, v6 = v5 at first"),
        (Opcode.END, WHILE, "0 again if v4, v6 = v7, v8 at last, v10 = all v9 along axis 0"),
        (Opcode.LOOP, SCAN, "0 v1 = slice of v0 along axis 2 from its end"),
        (Opcode.END, SCAN, "0 v3 = all v2 along axis 1 from its end"),
        (Opcode.BRANCH, IF, "0 if v0"),
        (Opcode.ELSE, IF, "0"),
        (Opcode.END, IF, "0 v3 = v1 or v2, v6 = v4 or v5"),
    ],
)
def test_texts(op: Opcode, control: Control, text: str) -> None:
    assert control_text(op, 0, control) == text
