"""Area and leakage, worked out by hand for tiny-4."""

from dataclasses import replace

from dialects.chip.costs import HardwareCosts
from passes.analysis.cost.hardware import area_um2, leakage_uw, leaked_pj

TINY = HardwareCosts(
    rows=4,
    columns=4,
    slices=4,
    adcs=1,
    digital_units=1,
    attention_units=1,
    cell_um2=1,
    dac_um2=2,
    adc_um2=80,
    shift_add_um2=5,
    digital_unit_um2=1000,
    attention_unit_um2=2000,
    array_leakage_uw=100,
    adc_leakage_uw=10,
    digital_unit_leakage_uw=1000,
    attention_unit_leakage_uw=2000,
)


def test_area_of_twelve_crossbars():
    assert area_um2(TINY, 12) == {
        "cells": 3 * 4 * 16, "dac": 3 * 4 * 4 * 2, "adc": 3 * 4 * 80, "shift_add": 3 * 4 * 5,
        "digital": 1000, "attention": 2000,
    }  # fmt: skip


def test_each_crossbar_has_all_its_adcs():
    twice = area_um2(replace(TINY, adcs=2, digital_units=3), 4)
    assert (twice["adc"], twice["shift_add"], twice["digital"]) == (2 * 4 * 80, 2 * 4 * 5, 3000)


def test_leakage_of_twelve_crossbars():
    assert leakage_uw(TINY, 12) == {"arrays": 300, "adc": 120, "digital": 1000, "attention": 2000}
    assert leaked_pj(3420, 100) == 342


def test_an_array_leaks_in_proportion_to_its_crossbars():
    assert leakage_uw(TINY, 6)["arrays"] == 150  # three arrays of 4-bit weights, of two crossbars each


def test_what_the_chip_does_not_give_is_not_known():
    bare = replace(TINY, cell_um2=None, attention_units=None, adc_leakage_uw=None)
    assert (area_um2(bare, 4)["cells"], area_um2(bare, 4)["attention"]) == (None, None)
    assert (leakage_uw(bare, 4)["adc"], leakage_uw(bare, 4)["attention"]) == (None, None)
    assert area_um2(bare, 4)["dac"] == 32
