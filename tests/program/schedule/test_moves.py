"""Arrays of a pipeline that move vectors in and sums out by themselves (S20).

In the scheduled program array 0 serves stage 0 from 80 ps to 326 ps, and stage 1 from 486 ps to 732 ps, when its
product has left; its sums are converted at 612 ps.
"""

from dataclasses import replace

import numpy as np
import pytest

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.schedule.checker import verify_schedule
from cimc.program.schedule.moves import no_own_moves, own_moves_of, verify_leaving
from cimc.program.times.pipeline import Pipeline

IN1, OUT2, IN5, ADD6, OUT6 = 1, 9, 13, 17, 18
LATER = {ADD6: 712, OUT6: 732}
"""Starts of what waits for sums that an array moves out by itself."""
Move = tuple[int, int, int, int]


def moving(program: Program, interval: int, starts: dict[int, int], *moves: Move) -> Program:
    own = program.instructions["start"].astype(np.int64)
    own[list(starts)] = list(starts.values())
    table = np.array(moves, np.int64).reshape(-1, 4)
    changed = replace(program, pipeline=Pipeline(interval, own, program.operations.copy(), table))
    changed.verify()
    return changed


@pytest.mark.parametrize(
    ("interval", "starts", "moves"),
    [
        (652, {}, [(IN1, 0, 0, 80), (IN1, 1, 0, 80)]),
        (632, LATER, [(OUT6, 0, 0, 612)]),  # registers are free 20 ps earlier
        (732, LATER, [(OUT6, 0, 0, 612), (IN5, 0, 0, 486)]),
        (732, {IN5: 600}, [(IN5, 0, 0, 486)]),  # nothing waits for the transfer
    ],
)
def test_moves_that_the_hardware_can_keep(
    scheduled: Program, interval: int, starts: dict[int, int], moves: list[Move]
) -> None:
    verify_schedule(moving(scheduled, interval, starts, *moves))


@pytest.mark.parametrize(
    ("interval", "starts", "moves", "message"),
    [
        (732, {}, [(IN5, 1, 0, 500)], "move 0 moves value 5 for array 1, which does nothing with it in stage 1"),
        (732, {}, [(OUT2, 1, 0, 500)], "move 0 moves value 2 for array 1, which does nothing with it in stage 0"),
        (732, {}, [(IN1, 0, 0, 80)] * 2, "move 1 moves what record 1 does for array 0 once more"),
        (732, {}, [(IN5, 0, 0, 485)], "record 13 reads value 5 at 485 ps, which is there from 486 ps on"),
        (732, {}, [(IN5, 0, 0, 1 << 62)], f"move 0 starts at {1 << 62} ps, expected at most {1 << 60}"),
        (732, {}, [(IN1, 0, 0, 81)], "record 3 reads value 1 at 180 ps, which is there from 181 ps on"),
        (
            732,
            LATER,
            [(OUT6, 0, 0, 611)],
            "what record 15 sums up moves out of its array at 611 ps, converted at 612 ps",
        ),
        (
            732,
            {OUT6: 732},
            [(OUT6, 0, 0, 612)],
            "partial sums of element 0 of value 6: an addition at 612 ps comes before its operands",
        ),
        (
            732,
            LATER,
            [(OUT6, 0, 1, 612)],
            "record 18 moves a vector on link 1, the chip does not number its links",
        ),
        (
            631,
            LATER,
            [(OUT6, 0, 0, 612)],
            "array 0 serves stages 0, 1 of several tokens at the same time, 631 ps apart; it has 1 set of registers",
        ),
    ],
)
def test_messages(scheduled: Program, interval: int, starts: dict[int, int], moves: list[Move], message: str) -> None:
    with pytest.raises(ProgramError) as error:
        verify_schedule(moving(scheduled, interval, starts, *moves))
    assert str(error.value) == f"in the pipeline, {message}"


def test_links_are_kept_busy(scheduled: Program) -> None:
    assert scheduled.timing is not None
    linked = replace(scheduled, timing=replace(scheduled.timing, links=7, buffers=2))
    linked.instructions["array"][[IN1, OUT2, 10, 12, IN5, OUT6]] = range(6)
    moves = (IN1, 0, 6, 80), (IN5, 0, 6, 486)
    verify_schedule(moving(linked, 732, {}, *moves))
    with pytest.raises(ProgramError, match="link 0 at 80 ps, which is busy with record 1 until 180 ps"):
        verify_schedule(moving(linked, 732, {}, (IN1, 1, 0, 80)))
    with pytest.raises(ProgramError, match="record 1 uses link 6 while record 13 does so for another token, 432 ps"):
        verify_schedule(moving(linked, 432, {}, *moves))


def test_what_is_moved_is_told_by_record(scheduled: Program) -> None:
    changed = moving(scheduled, 732, LATER, (OUT6, 0, 0, 612), (IN1, 1, 0, 80))
    assert changed.timing is not None
    assert changed.pipeline is not None
    own = own_moves_of(changed, changed.timing, changed.pipeline)
    assert np.flatnonzero(own.into.start >= 0).tolist() == [7, 8]
    assert own.into.end[[7, 8]].tolist() == [180, 180]
    assert np.flatnonzero(own.out.end >= 0).tolist() == [15, 16]
    verify_leaving(own, np.full(19, 612))
    with pytest.raises(ProgramError, match="record 15 sums up"):
        verify_leaving(own, np.full(19, 613))


def test_without_moves_nothing_is(scheduled: Program) -> None:
    own = no_own_moves(scheduled)
    assert (own.into.start < 0).all()
    assert (own.out.end < 0).all()
    assert not own.record.size
