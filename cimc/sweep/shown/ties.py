"""Points with equal figures, as one: it makes no difference there which of the settings one takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from cimc.sweep.store import Row


@dataclass(frozen=True)
class Tie:
    """Points that are equal in all figures that are looked at; most often it is one point."""

    rows: Sequence[Row]

    @property
    def first(self) -> Row:
        """The one that stands for all."""
        return self.rows[0]

    def values(self, setting: str) -> str:
        """The values of a setting that its points have."""
        return ", ".join(dict.fromkeys(str(row[setting]) for row in self.rows))


def ties_of(rows: Sequence[Row], figures: Sequence[str]) -> list[Tie]:
    """The points by what they are in `figures`, in the order of the first ones."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(figure) for figure in figures), []).append(row)
    return [Tie(group) for group in groups.values()]
