"""What checks have in common: numbers of a table that must be below, or between, others."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cimc.program.errors import ProgramError
from cimc.program.metadata import Weight


def verify_slots(numbers: Iterable[int], slots: int, user: str) -> None:
    """All numbers are value slots."""
    for number in numbers:
        if number >= slots:
            raise ProgramError(f"{user} uses value {number}, the program has {slots} values")


def weight_sizes(weights: Sequence[Weight]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    heights = np.array([weight.rows for weight in weights], np.int64)
    return heights, np.array([weight.columns for weight in weights], np.int64)


def one_of(
    values: NDArray[np.integer], allowed: Sequence[int], field: str, chosen: NDArray[np.bool_] | None = None
) -> None:
    wrong = ~np.isin(values, np.array(allowed))
    for number in np.flatnonzero(wrong if chosen is None else wrong & chosen)[:1].tolist():
        raise ProgramError(f"record {number} has {field} {values[number]}, expected {min(allowed)} to {max(allowed)}")


def below(
    values: NDArray[np.integer],
    count: int,
    who: str,
    does: str,
    things: str,
    chosen: NDArray[np.bool_] | None = None,
) -> None:
    wrong = values >= count
    for number in np.flatnonzero(wrong if chosen is None else wrong & chosen)[:1].tolist():
        raise ProgramError(f"{who} {number} {does} {values[number]}, the program has {count} {things}")


def spans(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    limit: int | NDArray[np.int64],
    who: str,
    things: str,
    chosen: NDArray[np.bool_] | None = None,
) -> None:
    limits = np.broadcast_to(np.asarray(limit), first.shape)
    end = first.astype(np.int64) + length
    wrong = (length < 1) | (end > limits)
    for number in np.flatnonzero(wrong if chosen is None else wrong & chosen)[:1].tolist():
        raise ProgramError(
            f"{who} {number} covers {things} {first[number]} to {end[number]}, there are {limits[number]}"
        )
