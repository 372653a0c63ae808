"""A link moves one vector at a time (S16)."""

import numpy as np
import pytest

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, OUT_OF_ARRAYS, Records, permute_record, transfer_record
from cimc.program.schedule.links import verify_links

DURATION = 10
"""Of every record."""


def moves(*links_and_starts: tuple[int, int]) -> Records:
    """Two transfers and a permutation on these links, which start then."""
    records = np.concatenate([
        transfer_record(stage=0, x=1, direction=INTO_ARRAYS),
        transfer_record(stage=0, x=2, direction=OUT_OF_ARRAYS),
        permute_record(stage=0, x=1, y=2, table=0),
    ])  # fmt: skip
    records["array"], records["start"] = np.array(links_and_starts).T
    return records


def check(program: Program, records: Records, links: int | None) -> None:
    program.instructions = records
    verify_links(program, links, records["start"].astype(np.int64) + DURATION)


def test_one_after_the_other_or_on_links_of_their_own(handmade: Program) -> None:
    check(handmade, moves((0, 5), (0, 15), (0, 25)), 1)
    check(handmade, moves((0, 5), (1, 5), (0, 15)), 2)


def test_without_links_any_number_moves_at_once(handmade: Program) -> None:
    check(handmade, moves((0, 5), (0, 5), (0, 6)), None)


@pytest.mark.parametrize(
    ("records", "links", "message"),
    [
        (
            moves((0, 5), (1, 5), (0, 14)),
            2,
            "record 2 moves a vector on link 0 at 14 ps, which is busy with record 0 until 15 ps",
        ),
        (moves((0, 5), (2, 5), (0, 15)), 2, "record 1 moves a vector on link 2, the chip has 2 links"),
        (moves((0, 5), (0, 5), (1, 5)), None, "record 2 moves a vector on link 1, the chip does not number its links"),
    ],
)
def test_messages(handmade: Program, records: Records, links: int | None, message: str) -> None:
    with pytest.raises(ProgramError) as error:
        check(handmade, records, links)
    assert str(error.value) == message
