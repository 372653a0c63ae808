"""Checks of multiplications, and of the order of their columns."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cimc.program.errors import ProgramError
from cimc.program.metadata import INPUT_BITS, Multiplication, Weight
from cimc.program.verification.checks import below, verify_slots


def verify_multiplications(multiplications: Sequence[Multiplication], weights: Sequence[Weight], slots: int) -> None:
    """Multiplications name values and weights that exist, and each writes a value of its own.

    Inputs have as many bits as there may be; a sign needs them all (I24).
    """
    for number, multiplication in enumerate(multiplications):
        verify_slots((multiplication.x, multiplication.y), slots, f"multiplication {number}")
        bits, most = multiplication.input_bits, max(INPUT_BITS)
        if bits not in INPUT_BITS:
            expected = f"expected {min(INPUT_BITS)} to {most}"
            raise ProgramError(f"multiplication {number} takes inputs of {bits} bits, {expected}")
        if multiplication.signed and bits != most:
            raise ProgramError(f"multiplication {number} takes signed inputs of {bits} bits, expected {most}")
    below(
        np.array([m.weight for m in multiplications], np.int64),
        len(weights),
        "multiplication",
        "uses weight",
        "weights",
    )
    if len({multiplication.y for multiplication in multiplications}) != len(multiplications):
        raise ProgramError("two multiplications write the same value")


def verify_orders(
    multiplications: Sequence[Multiplication], weights: Sequence[Weight], tables: Sequence[NDArray[np.int32]]
) -> None:
    """The tables that order the columns of a multiplication are permutations of them (I13)."""
    for number, multiplication in enumerate(multiplications):
        if multiplication.order is None:
            continue
        if multiplication.order >= len(tables):
            reference = f"multiplication {number} is ordered by table {multiplication.order}"
            raise ProgramError(f"{reference}, the program has {len(tables)} tables")
        table, columns = tables[multiplication.order], weights[multiplication.weight].columns
        if len(table) != columns or not np.array_equal(np.sort(table), np.arange(columns)):
            raise ProgramError(
                f"table {multiplication.order} is no order of the {columns} columns of multiplication {number}"
            )
