"""The reports of a sweep's best points, as pages of their own; a point that a page exists of is not compiled again."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from cimc.files.reasons import reason
from cimc.files.whole_file import whole_file
from cimc.report.page.page import page_of
from cimc.report.study import studies_of
from cimc.sweep.points import Point
from cimc.sweep.run import Sweep
from cimc.sweep.store import Cell, Row
from cimc.sweep.work import Job, make_network, program_of
from dialects.errors import UserError

FOLDER = "reports"
MOST_REPORTS = 12
"""Unless more are asked for: each takes one to two seconds, and 1.3 MB."""
_NAME = re.compile(r"[0-9a-f]{32}\.html")


def write_reports(
    sweep: Sweep, rows: Sequence[Row], out: Path, progress: Callable[[int], None] = lambda written: None
) -> list[str | None]:
    """The page of each of these points in the folder `out`, as a path seen from there; None where there is none.

    Pages of points that are no longer among them are removed. Raises UserError if a page cannot be written.
    """
    by_settings: dict[tuple[Cell, ...], Point] = {tuple(point.settings.values()): point for point in sweep.points}
    points = [by_settings[tuple(row[name] for name in sweep.points[0].settings)] for row in rows]
    folder = out / FOLDER
    names = [f"{point.key}.html" for point in points]
    try:
        if names:
            folder.mkdir(exist_ok=True)
        for file in folder.glob("*.html"):
            if _NAME.fullmatch(file.name) and file.name not in names:
                file.unlink()
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {reason(error)}") from error
    written: list[str | None] = []
    for point, name in zip(points, names, strict=True):
        progress(len(written))
        done = (folder / name).exists() or _write(sweep.job, point, folder / name)
        written.append(f"{FOLDER}/{name}" if done else None)
    return written


def _write(job: Job | None, point: Point, file: Path) -> bool:
    """Write the page of a point; whether that was possible."""
    if job is None or make_network(job, point) is not None:
        return False
    label = ", ".join(f"{name} {value}" for name, value in point.settings.items())
    studies = studies_of({label: program_of(job, point)}, point.conditions)
    with whole_file(file, UserError) as new:
        new.write_text(page_of(studies), encoding="utf-8")
    return True
