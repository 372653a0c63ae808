"""What multiplications in arrays do, and the energy that takes, by record (formulas in docs/cost-model.md)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dialects.chip.costs import ArrayCosts
from passes.analysis.cost.intervals import Numbers, group_numbers, newly_covered

INPUT_BITS = 8
"""Bits of an input, as it moves into an array, where a product does not say that its inputs have fewer."""
SUM_BITS = 32
"""Bits of a partial sum, as it moves out of an array."""

ARRAY_COMPONENTS = ("adc", "dac", "cells", "shift_add", "transfer", "add")
"""Where the energy of multiplications in arrays goes."""
KEYS_OF_COMPONENTS = {
    "adc": ("adc_model",),
    "dac": ("dac_pj",),
    "cells": ("cell_pj",),
    "shift_add": ("shift_add_pj",),
    "transfer": ("transfer_bit_pj",),
    "add": ("add_pj",),
}
"""Keys of a chip that each component needs."""


@dataclass(frozen=True)
class Activity:
    """What happens for one vector, counted for each record; sums over records are exact."""

    conversions: Numbers
    """`columns * slices * planes`"""
    drives: Numbers
    """Rows that are driven, in all crossbars and planes; records that start together share the rows they share."""
    cells: Numbers
    """Cells that take part, in all crossbars and planes: `rows * columns * slices * planes`."""
    bits: Numbers
    """Bits into arrays (an input moves once a stage into each array that uses it) and out of them (partial sums)."""
    additions: NDArray[np.float64]
    """Elements of partial sums that are added: one less than an element has partial sums, shared among its records."""


def activity(
    records: NDArray[np.void], planes: Numbers, slices: Numbers | int, input_bits: Numbers | int = INPUT_BITS
) -> Activity:
    """The activity of MULTIPLY records, which have the fields of `cimc.program.records.RECORD`.

    `planes` and `input_bits` are those of each record's input, `slices` those of its array. Records of one array that
    have the same stage and start are one activation. Records of one value and one column of an array make one partial
    sum, whatever their rows. Each copy of a weight (`flags`) has vectors and partial sums of its own.
    """
    field = {name: records[name].astype(np.int64) for name in records.dtype.names or ()}
    repeats = slices * planes
    activation = group_numbers(field["stage"], field["array"], field["start"])
    rows = newly_covered(activation, field["row"], field["rows"])
    source = group_numbers(field["stage"], field["array"], field["x"], field["flags"])
    inputs = newly_covered(source, field["k"], field["rows"])
    place = group_numbers(field["y"], field["array"], field["column"] - field["n"])
    value = group_numbers(field["y"], field["flags"])
    sums = newly_covered(place, field["n"], field["columns"])
    return Activity(
        conversions=field["columns"] * repeats,
        drives=rows * repeats,
        cells=field["rows"] * field["columns"] * repeats,
        bits=input_bits * inputs + SUM_BITS * sums,
        additions=_additions(value, sums, newly_covered(value, field["n"], field["columns"])),
    )


def array_energies(active: Activity, adc_bits: Numbers, costs: ArrayCosts) -> dict[str, NDArray[np.float64] | None]:
    """The energy [pJ] of each record by component; None for a component that the chip gives no number for."""

    def times(counts: NDArray[np.generic], price: float | NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        return None if price is None else counts.astype(np.float64) * price

    return {
        "adc": times(active.conversions, None if costs.adc_pj is None else np.array([0.0, *costs.adc_pj])[adc_bits]),
        "dac": times(active.drives, costs.dac_pj),
        "cells": times(active.cells, costs.cell_pj),
        "shift_add": times(active.conversions, costs.shift_add_pj),
        "transfer": times(active.bits, costs.transfer_bit_pj),
        "add": times(active.additions, costs.add_pj),
    }


def _additions(value: Numbers, sums: Numbers, elements: Numbers) -> NDArray[np.float64]:
    """Partial sums less elements of each value, shared among its records in proportion to their partial sums."""
    count = int(value.max(initial=-1)) + 1
    parts = np.bincount(value, sums, count)
    added = parts - np.bincount(value, elements, count)
    return sums * (added / np.maximum(parts, 1))[value]
