"""What totals are mostly made of: a component that is more than half of one, and where its numbers come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Components = Mapping[str, float | None]
HALF = 0.5
TOTAL, PARAMETER, DIGITAL, LEAKAGE, AREA = TOTALS = (
    "energy_pj.total",
    "energy_pj.parameter",
    "energy_pj.digital",
    "energy_components_pj.leakage",
    "area_um2",
)
"""Sums of a report, by their place in its JSON."""
MEMORIES = ("buffer", "memory")
"""Components that are there where the chip says what they cost."""
OTHERS = ("digital", "attention", *MEMORIES, "leakage")
"""Components of energy that do not belong to multiplications in arrays."""
NAMES = {
    "adc": "ADCs",
    "dac": "DACs",
    "shift_add": "shift-adds",
    "add": "additions",
    "program": "programming",
    "transfer": "transfers",
    "digital": "digital units",
    "attention": "attention units",
    "buffer": "buffers",
    "memory": "key/value memory",
}
"""Where the report's name of a component is no word, or says too little."""
_ENERGY = {
    "adc": "adc_table_pj",
    "dac": "dac_pj",
    "cells": "cell_pj",
    "shift_add": "shift_add_pj",
    "transfer": "transfer_bit_pj",
    "add": "add_pj",
    "program": "program_cell_pj",
    "digital": "vector_pj",
    "attention": "mac_pj",
    "buffer": "buffer_byte_pj",
    "memory": "memory_bit_pj",
}
_LEAKAGE = {
    "arrays": "array_leakage_uw",
    "adc": "adc_leakage_uw",
    "digital": "digital_unit_leakage_uw",
    "attention": "attention_unit_leakage_uw",
    "buffer": "buffer_leakage_uw",
    "memory": "memory_leakage_uw",
}
_AREA = {
    "cells": "cell_um2",
    "dac": "dac_um2",
    "adc": "adc_table_um2",
    "shift_add": "shift_add_um2",
    "digital": "digital_unit_um2",
    "attention": "attention_unit_um2",
    "buffer": "buffer_um2",
}
"""The key of the chip that a component is reckoned from; for ADCs, where their model is no table, the model is."""


@dataclass(frozen=True)
class LargestPart:
    """A component that is more than half of a total."""

    component: str
    share: float
    """Of the total, 0 to 1."""
    of: str | None
    """What leaks most, where the component is leakage."""
    of_share: float | None
    """That part's, of the total."""
    key: str
    """The key of the chip that its numbers come from."""
    source: str | None
    """Where the chip has that from; None if it does not say."""

    @property
    def text(self) -> str:
        """In words: as in `leakage 84 %, digital units alone 67 %: a simulator, 1 W each`."""
        own = f", {part_name(self.of)} alone {_percent(self.of_share or 0)}" if self.of else ""
        source = self.source or f"no source given for {self.key}"
        return f"{part_name(self.component)} {_percent(self.share)}{own}: {source}"


def part_name(component: str) -> str:
    """A component of a report in words."""
    return NAMES.get(component, component)


def largest_parts(
    energy: Components, leakage: Components, area: Components, sources: Mapping[str, str]
) -> dict[str, LargestPart]:
    """What each of TOTALS is mostly made of, if it is known and something is more than half of it.

    `sources` tell by key where the chip has its numbers from; `leakage` is power.
    """
    parts: dict[str, Components] = {
        TOTAL: energy,
        PARAMETER: {name: value for name, value in energy.items() if name not in OTHERS},
        DIGITAL: {name: energy.get(name) for name in ("digital", "attention")},
        AREA: area,
    }
    largest = {total: _largest(own, _AREA if total == AREA else _ENERGY, sources) for total, own in parts.items()}
    within = _largest(leakage, _LEAKAGE, sources, least=0)
    largest[LEAKAGE] = within if within is not None and within.share > HALF else None
    whole = largest[TOTAL]
    if whole is not None and whole.component == "leakage" and within is not None:
        share = whole.share * within.share
        largest[TOTAL] = LargestPart("leakage", whole.share, within.component, share, within.key, within.source)
    return {total: part for total in TOTALS if (part := largest[total]) is not None}


def said_parts(parts: Mapping[str, LargestPart]) -> Iterator[tuple[str, LargestPart]]:
    """Those that are to be said beside their totals, by total: what leaks is said with the energy, if that is it."""
    for total, part in parts.items():
        if total != LEAKAGE or TOTAL not in parts or parts[TOTAL].component != "leakage":
            yield total, part


def _largest(
    components: Components, keys: Mapping[str, str], sources: Mapping[str, str], least: float = HALF
) -> LargestPart | None:
    """The largest of some components if all are known, and it is more than `least` of all."""
    known = {name: value for name, value in components.items() if value is not None}
    total = sum(known.values())
    if len(known) < len(components) or total <= 0:
        return None
    name = max(known, key=lambda component: known[component])
    if known[name] <= least * total:
        return None
    key = keys.get(name, "")
    if name == "adc" and key.startswith("adc_table") and key not in sources:
        key = "adc_model"
    return LargestPart(name, known[name] / total, None, None, key, sources.get(key))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
