"""What records do in arrays, counted by hand on arrays of 4x4 with 4 slices, and its energy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dialects.chip.costs import ArrayCosts
from passes.analysis.cost.arrays import ARRAY_COMPONENTS, KEYS_OF_COMPONENTS, activity, array_energies

FIELDS = ("stage", "array", "start", "x", "y", "k", "n", "row", "rows", "column", "columns", "adc_bits", "flags")
COSTS = ArrayCosts(
    slices=4,
    adc_pj=(1, 2, 3, 4, 5, 6, 7, 8),
    dac_pj=0.5,
    cell_pj=0.25,
    shift_add_pj=0.125,
    transfer_bit_pj=0.5,
    add_pj=2,
)


def records(*entries: dict[str, int]) -> NDArray[np.void]:
    """MULTIPLY records; what an entry does not say is that of a full tile."""
    full = {"rows": 4, "columns": 4, "adc_bits": 4, "x": 0, "y": 1}
    found = np.zeros(len(entries), [(name, np.int64) for name in FIELDS])
    for i, entry in enumerate(entries):
        for name in FIELDS:
            found[name][i] = (full | entry).get(name, 0)
    return found


def energy(found: NDArray[np.void], planes: int = 8) -> dict[str, float]:
    counted = activity(found, np.full(len(found), planes, np.int64), COSTS.slices)
    energies = array_energies(counted, found["adc_bits"], COSTS)
    return {name: float(values.sum()) for name, values in energies.items() if values is not None}


def test_a_full_tile():
    """128 conversions, 128 rows driven, 512 cells, 32 bits in and 128 out."""
    assert energy(records({})) == {
        "adc": 128 * 4, "dac": 128 * 0.5, "cells": 512 * 0.25, "shift_add": 16, "transfer": 80, "add": 0,
    }  # fmt: skip


def test_planes_repeat_everything_but_transfers():
    assert energy(records({}), planes=4) == {
        "adc": 64 * 4, "dac": 32, "cells": 64, "shift_add": 8, "transfer": 80, "add": 0,
    }  # fmt: skip


def test_row_groups_of_a_tile_make_one_partial_sum():
    """Two row groups convert twice, but the sums leave the array once; bits as each row group needs."""
    found = records({"rows": 2, "adc_bits": 3}, {"row": 2, "k": 2, "rows": 2, "adc_bits": 2, "start": 7})
    assert energy(found) == {"adc": 128 * 5, "dac": 64, "cells": 128, "shift_add": 32, "transfer": 80, "add": 0}


def test_partial_sums_of_several_arrays_are_moved_and_added():
    found = records({}, {"array": 1, "k": 4}, {"array": 2, "k": 8})
    assert energy(found)["transfer"] == 3 * 80
    assert energy(found)["add"] == 2 * 4 * 2


def test_tiles_side_by_side_are_driven_once_if_they_start_together():
    left, right = {"columns": 2}, {"columns": 2, "column": 2, "n": 2}
    together, apart = records(left, right), records(left, {**right, "start": 1})
    assert energy(together)["dac"] == 64
    assert energy(apart)["dac"] == 128
    assert energy(together)["transfer"] == energy(apart)["transfer"] == 80


def test_inputs_move_into_each_array_and_again_in_each_stage():
    other_array = records({}, {"array": 1, "n": 4})
    assert energy(other_array)["transfer"] == 2 * 80
    same_array = records({"columns": 2}, {"columns": 2, "column": 2, "y": 2})
    assert energy(same_array)["transfer"] == 80
    other_stage = records({"columns": 2}, {"columns": 2, "column": 2, "y": 2, "stage": 1})
    assert energy(other_stage)["transfer"] == 80 + 16


def test_additions_are_shared_by_the_records_of_a_value():
    found = records({"columns": 2}, {"array": 1, "columns": 2}, {"array": 2, "n": 2, "columns": 2}, {"y": 9})
    shared = activity(found, np.full(4, 8, np.int64), 4).additions
    assert shared.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 0])


def test_what_the_chip_does_not_give_is_not_known():
    bare = ArrayCosts(4, None, None, None, None, None, None)
    counted = activity(records({}), np.array([8]), 4)
    assert array_energies(counted, np.array([4]), bare) == dict.fromkeys(ARRAY_COMPONENTS)
    assert KEYS_OF_COMPONENTS.keys() == set(ARRAY_COMPONENTS)


def test_each_record_counts_the_crossbars_of_its_array_and_the_bits_of_its_input():
    found = records({}, {"array": 1, "x": 2, "y": 3})
    counted = activity(found, np.array([8, 3]), np.array([4, 2]), np.array([8, 3]))
    assert counted.conversions.tolist() == [4 * 4 * 8, 4 * 2 * 3]
    assert counted.drives.tolist() == [4 * 4 * 8, 4 * 2 * 3]
    assert counted.cells.tolist() == [16 * 4 * 8, 16 * 2 * 3]
    assert counted.bits.tolist() == [4 * 8 + 4 * 32, 4 * 3 + 4 * 32]


def test_no_records():
    assert energy(records()) == dict.fromkeys(ARRAY_COMPONENTS, 0.0)
