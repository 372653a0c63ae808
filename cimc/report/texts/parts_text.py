"""What totals are mostly made of, and with which constants, as lines of a summary."""

from collections.abc import Iterator
from textwrap import shorten

from cimc.program.one_line import one_line
from cimc.report.largest_parts import AREA, DIGITAL, LEAKAGE, PARAMETER, TOTAL, said_parts
from cimc.report.report import Report

_LABELS = {
    TOTAL: "of energy",
    PARAMETER: "of parameter",
    DIGITAL: "of digital",
    LEAKAGE: "of leakage",
    AREA: "of area",
}
_WIDTH, _INDENT = 100, 14
"""Columns that a line may take; longer sources end there, the report's page and JSON have all of them."""
ENERGIES = (TOTAL, PARAMETER, DIGITAL, LEAKAGE)


def parts_lines(report: Report, *totals: str) -> Iterator[str]:
    """For each of some totals the component that is more than half of it, with the source of its numbers."""
    for total, part in said_parts(report.largest_parts):
        if total in totals:
            yield f"{_LABELS[total]:<{_INDENT}}{shorten(one_line(part.text), _WIDTH - _INDENT, placeholder=' ...')}"


def constants_text(report: Report) -> str:
    """Which digital constants figures were reckoned with, and which memories were not counted."""
    of = "constants of the chip file" if report.digital_set is None else f"set {report.digital_set}"
    left = [name for name, counted in memories_counted(report).items() if not counted]
    return f"digital {of}" + (f", {' and '.join(left)} not counted" if left else "")


def memories_counted(report: Report) -> dict[str, bool]:
    """Whether the energy of buffers and of keys and values is counted."""
    names = {"buffer": "buffers", "memory": "key/value memory"}
    return {name: component in report.energy_components_pj for component, name in names.items()}
