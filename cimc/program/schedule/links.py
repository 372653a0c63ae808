"""Legality of the interconnect: a link moves one vector at a time."""

import numpy as np

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.schedule.moves import OwnMoves, no_own_moves
from cimc.program.times.timing import Numbers
from cimc.program.times.transfers import moves_of


def verify_links(program: Program, links: int | None, ends: Numbers, own: OwnMoves | None = None) -> None:
    """Raises ProgramError unless links are those of the chip and each moves one vector at a time (S16).

    `ends` tells when records are done, `own` what arrays move by themselves, as part of a record. Without a number of
    links, any number of vectors moves at once, on link 0.
    """
    own = own or no_own_moves(program)
    alone = np.flatnonzero(moves_of(program))
    records = program.instructions[alone]
    numbers = np.concatenate([alone, own.record])
    link = np.concatenate([records["array"].astype(np.int64), own.link])
    start = np.concatenate([records["start"].astype(np.int64), own.start])
    end = np.concatenate([ends[alone], own.end])
    for i in np.flatnonzero(link >= (links or 1))[:1].tolist():
        expected = f"the chip has {links} links" if links else "the chip does not number its links"
        raise ProgramError(f"record {numbers[i]} moves a vector on link {link[i]}, {expected}")
    if links is None:
        return
    order = np.lexsort([end, start, link])
    link, start, end = link[order], start[order], end[order]
    for i in np.flatnonzero((link[1:] == link[:-1]) & (start[1:] < end[:-1]))[:1].tolist():
        raise ProgramError(
            f"record {numbers[order[i + 1]]} moves a vector on link {link[i]} at {start[i + 1]} ps, which is busy "
            f"with record {numbers[order[i]]} until {end[i]} ps"
        )
