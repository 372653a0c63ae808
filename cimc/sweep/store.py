"""Finished points in Parquet: safe from a sweep that is killed, and found again by the next one.

Each point is written by the worker that ran it, as a file of its own that appears complete or not at all: nobody can
lose or tear what others wrote. When a sweep ends, and when the next begins, the small files become one.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cimc.files.reasons import reason
from cimc.files.whole_file import whole_file
from cimc.sweep.figures import Figure
from dialects.errors import UserError

Cell = int | float | str | None
Row = Mapping[str, Cell]
"""One point in a table, by column."""

KEY, ERROR, SECONDS = "key", "error", "seconds"
POINTS, ALL = "finished", "finished.parquet"


@dataclass(frozen=True)
class Outcome:
    """What became of a point: its figures, or an error."""

    key: str
    figures: Mapping[str, Figure] = field(default_factory=dict[str, Figure])
    error: str | None = None
    seconds: float = 0.0


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as a Parquet file that takes its place when it is complete and on the disk; UserError if it cannot."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: _column([row.get(name) for row in rows]) for name in names})
    with whole_file(path, UserError) as new, new.open("wb") as file:
        pq.write_table(table, file)
        file.flush()
        os.fsync(file.fileno())


def _column(cells: list[Cell]) -> list[Cell]:
    """The cells in one type, for Parquet: numbers among texts, as in `monarch` 0 and "auto", become texts."""
    if not any(isinstance(cell, str) for cell in cells):
        return cells
    return [cell if cell is None else str(cell) for cell in cells]


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Keep a point as a file of its own in the working folder; UserError if that cannot be written."""
    _keep(folder / POINTS / f"{outcome.key}.parquet", [outcome])


def read_outcomes(folder: Path) -> dict[str, Outcome]:
    """All finished points of the working folder, by key; of two results for a point, the one in a file of its own.

    Raises UserError for a file that is damaged.
    """
    files = [path for path in (folder / ALL, *_files(folder)) if path.exists()]
    return {outcome.key: outcome for file in files for outcome in _read(file)}


def compact(folder: Path) -> dict[str, Outcome]:
    """Make one file of all finished points, which are also returned; only one process may do that at a time.

    Raises UserError for a file that is damaged or cannot be written.
    """
    files = _files(folder)
    outcomes = read_outcomes(folder)
    if files:
        _keep(folder / ALL, outcomes.values())
        for file in files:
            file.unlink()
    return outcomes


def _keep(file: Path, outcomes: Iterable[Outcome]) -> None:
    try:
        file.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {reason(error)}") from error
    write_table(file, [_row(outcome) for outcome in outcomes])


def _files(folder: Path) -> list[Path]:
    return sorted((folder / POINTS).glob("[!.]*.parquet"))


def _row(outcome: Outcome) -> Row:
    return {KEY: outcome.key, **outcome.figures, ERROR: outcome.error, SECONDS: outcome.seconds}


def _read(file: Path) -> Iterable[Outcome]:
    try:
        rows = pq.read_table(file).to_pylist()
        return [_outcome(row) for row in rows]
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{file}: damaged ({error}): remove it, and its points are computed again") from error


def _outcome(row: dict[str, Cell]) -> Outcome:
    key, error, seconds = str(row.pop(KEY)), row.pop(ERROR), row.pop(SECONDS)
    figures = {name: value for name, value in row.items() if value is None or isinstance(value, int | float)}
    return Outcome(key, figures, None if error is None else str(error), float(seconds or 0))
