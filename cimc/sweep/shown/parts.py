"""What totals of the best points are mostly made of, with the sources of those numbers."""

from collections.abc import Iterator, Mapping

from cimc.report.cost.program_chip import adc_description
from cimc.report.largest_parts import MEMORIES, TOTALS, LargestPart, largest_parts
from cimc.sweep.pareto import Front
from cimc.sweep.points import Point
from cimc.sweep.run import Sweep
from cimc.sweep.shown.words import title_of
from cimc.sweep.store import Cell, Row
from dialects.errors import UserError
from dialects.hardware import ChipAttr


def parts_notes(sweep: Sweep, front: Front) -> Iterator[str]:
    """For each total that best points are compared by: what is more than half of it, in how many of them."""
    by_settings: dict[tuple[Cell, ...], Point] = {tuple(point.settings.values()): point for point in sweep.points}
    names = list(sweep.points[0].settings)
    parts = [_parts(row, by_settings[tuple(row[name] for name in names)]) for row in front.best]
    for total in TOTALS:
        if total in {goal.figure for goal in front.goals}:
            yield from _notes(total, [own[total] for own in parts if total in own], len(parts))


def _notes(total: str, parts: list[LargestPart], points: int) -> Iterator[str]:
    """A line for each component and source."""
    groups: dict[tuple[str, str | None, str | None], list[LargestPart]] = {}
    for part in parts:
        groups.setdefault((part.component, part.of, part.source), []).append(part)
    for group in groups.values():
        least = min(group, key=lambda part: part.share)
        most = 100 * max(part.share for part in group)
        many = "" if len(group) == points else f" ({len(group)} of {points} points)"
        to = f", at most {most:.0f} %" if round(most) != round(100 * least.share) else ""
        yield f"{title_of(total)}: {least.text}{many}{to}"


def _parts(row: Row, point: Point) -> dict[str, LargestPart]:
    sources = dict(point.sources)
    try:
        model = adc_description(ChipAttr.from_dict(point.chip))
    except UserError:  # it has run, so this is of a chip that an older cimc took
        model = None
    if model is not None:
        sources["adc_model"] = model
    energy, leakage, area = (
        _components(row, name) for name in ("energy_components_pj", "leakage_uw", "area_components_um2")
    )
    return largest_parts(energy, leakage, area, sources)


def _components(row: Row, name: str) -> Mapping[str, float | None]:
    """The figures of the row whose names begin so, by what follows; memories only where they are counted."""
    prefix = f"{name}."
    parts = {column.removeprefix(prefix): value for column, value in row.items() if column.startswith(prefix)}
    return {
        part: value if isinstance(value, int | float) else None
        for part, value in parts.items()
        if value is not None or part not in MEMORIES
    }
