"""The results of a sweep as a table: one row a point, settings first, then figures, the error, and the seconds."""

import csv
from collections.abc import Sequence
from pathlib import Path

from cimc.sweep.points import Setting
from cimc.sweep.run import Sweep
from cimc.sweep.store import ERROR, SECONDS, Row


def rows_of(sweep: Sweep) -> list[Row]:
    """One row a point, in the order of the grid; all have the same columns."""
    outcomes = [sweep.outcomes[point.key] for point in sweep.points]
    figures = list(dict.fromkeys(name for outcome in outcomes for name in outcome.figures))
    return [
        {
            **point.settings,
            **{name: outcome.figures.get(name) for name in figures},
            ERROR: outcome.error,
            SECONDS: outcome.seconds,
        }
        for point, outcome in zip(sweep.points, outcomes)
    ]


def varying_settings(sweep: Sweep) -> dict[str, list[Setting]]:
    """The settings that differ between points, with their values."""
    names = list(sweep.points[0].settings)
    values = {name: list(dict.fromkeys(point.settings[name] for point in sweep.points)) for name in names}
    return {name: settings for name, settings in values.items() if len(settings) > 1}


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows with a line of names above them; an empty cell where there is nothing."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)
