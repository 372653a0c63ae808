"""That weights pass through the chip in parts, in words: what it takes, and how long cells stand it."""

from collections.abc import Iterator

from cimc.report.cost.reload import Reload
from cimc.report.quantities import ENERGY, TIME, number, plainly


def reload_lines(reload: Reload | None, per: str) -> Iterator[str]:
    """Lines of a summary; nothing where all weights stay in the arrays."""
    if reload is not None:
        yield f"reload        {_taken(reload, per)}"
        yield f"endurance     {_lasts(reload, per)}"


def reload_sentences(reload: Reload | None, per: str) -> Iterator[str]:
    """The same as sentences, for a page."""
    if reload is not None:
        yield f"Weights pass through the chip in parts: {_taken(reload, per)}."
        yield f"Endurance: {_lasts(reload, per)}."


def _taken(reload: Reload, per: str) -> str:
    """As in `3 loads of at most 8 arrays, 3 writes of a cell a token, programming takes 1.15 ms and 400 uJ a token`."""
    loads = f"{number(reload.loads)} load{'s' if reload.loads != 1 else ''} of at most {number(reload.arrays)} array"
    loads += "s" if reload.arrays != 1 else ""
    taken = f"{plainly(reload.time_ns, TIME)} and {plainly(reload.energy_pj, ENERGY)} {per}"
    return f"{loads}, {_written(reload)} {per}, programming takes {taken}"


def _lasts(reload: Reload, per: str) -> str:
    """As in `a cell stands 100,000,000 writes, so the chip lasts 33,333,333 tokens`."""
    unit = per.split()[-1]
    if reload.lasts is None or reload.endurance is None:
        return f"not known, the chip does not say; each {unit} wears cells: {_written(reload)} {per}"
    lasts = number(float(int(reload.lasts)))
    return f"a cell stands {number(reload.endurance)} writes, so the chip lasts {lasts} {unit}s: it wears with each"


def _written(reload: Reload) -> str:
    return f"{number(reload.writes)} write{'s' if reload.writes != 1 else ''} of a cell"
