"""The plan: what is executed together, what does nothing, and what is forgotten."""

from cimc.machine.plan import arranged, effective, steps_of
from cimc.program.program import Program
from cimc.program.records import Opcode


def test_multiplications_of_one_value_are_brought_together(handmade: Program) -> None:
    """Within a run of MULTIPLY records, and nowhere else (I14)."""
    stream = handmade.instructions[[0, 3, 4, 3, 2, 4, 3]].copy()
    stream["y"] = [0, 5, 3, 5, 9, 2, 1]
    assert stream[arranged(stream)]["y"].tolist() == [0, 3, 5, 5, 9, 1, 2]


def test_what_only_tells_time_is_left_out(handmade: Program) -> None:  # I8
    stream = handmade.instructions[[0, 1, 2, 3, 3, 4, 4, 5]].copy()
    stream["op"][[1, 4, 7]] = [Opcode.TRANSFER, Opcode.ADD, Opcode.TRANSFER]
    assert effective(stream).tolist() == [0, 2, 3, 5, 6]


def test_steps(handmade: Program) -> None:
    """Both MULTIPLY records are one step; values are freed after their last use (I3), outputs never."""
    steps = steps_of(handmade.instructions, handmade)
    assert [(step.op, step.first, step.last) for step in steps] == [
        (Opcode.KERNEL, 0, 1),
        (Opcode.PERMUTE, 1, 2),
        (Opcode.CLEAR, 2, 3),
        (Opcode.MULTIPLY, 3, 5),
        (Opcode.KERNEL, 5, 6),
    ]
    assert [step.frees for step in steps] == [(0,), (1,), (), (2,), (3,)]


def test_no_records(handmade: Program) -> None:
    assert steps_of(handmade.instructions[:0], handmade) == []
