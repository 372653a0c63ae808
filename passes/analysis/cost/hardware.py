"""Area of a chip, and the power that it leaks (formulas in docs/cost-model.md)."""

from dialects.chip.costs import HardwareCosts


def area_um2(costs: HardwareCosts, crossbars: int) -> dict[str, float | None]:
    """The area by component of so many crossbars, and of all digital and attention units."""
    return {
        "cells": _product(crossbars * costs.rows * costs.columns, costs.cell_um2),
        "dac": _product(crossbars * costs.rows, costs.dac_um2),
        "adc": _product(crossbars * costs.adcs, costs.adc_um2),
        "shift_add": _product(crossbars * costs.adcs, costs.shift_add_um2),
        "digital": _product(costs.digital_units, costs.digital_unit_um2),
        "attention": _product(costs.attention_units, costs.attention_unit_um2),
    }


def leakage_uw(costs: HardwareCosts, crossbars: int) -> dict[str, float | None]:
    """The power that leaks by component: `arrays`, their `adc`s, the `digital` and the `attention` units.

    An array leaks in proportion to its crossbars: the chip says how much it is for those of 8-bit weights.
    """
    return {
        "arrays": _product(crossbars / costs.slices, costs.array_leakage_uw),
        "adc": _product(crossbars * costs.adcs, costs.adc_leakage_uw),
        "digital": _product(costs.digital_units, costs.digital_unit_leakage_uw),
        "attention": _product(costs.attention_units, costs.attention_unit_leakage_uw),
    }


def leaked_pj(power_uw: float, nanoseconds: float) -> float:
    """The energy that leaks in a time: 1 uW for 1 ns are 0.001 pJ."""
    return power_uw * nanoseconds / 1000


def _product(count: float | None, each: float | None) -> float | None:
    return None if count is None or each is None else count * each
