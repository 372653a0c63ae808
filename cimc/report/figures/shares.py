"""What energy and area go into: a bar for each component, with its amount and share."""

from collections.abc import Callable, Mapping, Sequence

import altair as alt

from cimc.report.figures.figure import WIDTH, Figure, Panel, table
from cimc.report.figures.theme import tone
from cimc.report.largest_parts import NAMES, OTHERS
from cimc.report.quantities import AREA, ENERGY, Unit, shown
from cimc.report.report import Report
from cimc.report.study import Study

LANE = 22
Amounts = Mapping[str, float | None]


def array_energy(studies: Sequence[Study]) -> Figure:
    """Dynamic energy of the multiplications in arrays."""
    return Figure(
        "array-energy",
        "Energy of the arrays by component",
        "Dynamic energy of the multiplications in arrays, for one token.",
        _panels(
            studies, lambda r: {k: v for k, v in r.energy_components_pj.items() if k not in OTHERS}, ENERGY, "accent"
        ),
        half=True,
    )


def all_energy(studies: Sequence[Study]) -> Figure:
    """Energy of everything, the arrays together."""
    return Figure(
        "energy",
        "Energy of everything",
        "The arrays together, digital operators, attention, memories, and what leaks during the latency of one token.",
        _panels(
            studies,
            lambda r: {"arrays": r.energy_pj["parameter"], **{k: r.energy_components_pj.get(k) for k in OTHERS}},
            ENERGY,
            "second",
        ),
        half=True,
    )


def area(studies: Sequence[Study]) -> Figure:
    """Area of the arrays that are used, and of the digital units."""
    return Figure(
        "area",
        "Area by component",
        "Of the arrays that the program uses, of all digital and attention units, and of buffers.",
        _panels(studies, lambda r: r.area_components_um2, AREA, "accent"),
        half=True,
    )


def _panels(
    studies: Sequence[Study], amounts: Callable[[Report], Amounts], unit: Unit, color: str
) -> tuple[Panel, ...]:
    """The bars of all programs on one scale."""
    bars = [(study.label, amounts(study.report)) for study in studies]
    largest = max((value or 0 for _, values in bars for value in values.values()), default=0)
    return tuple(_panel(label, values, unit, color, largest) for label, values in bars)


def _panel(label: str, amounts: Amounts, unit: Unit, color: str, largest: float) -> Panel:
    known = {_name(key): value for key, value in amounts.items() if value is not None}
    missing = [_name(key) for key, value in amounts.items() if value is None]
    notes = (f"Not modelled for this program, so not shown: {', '.join(missing)}.",) if missing else ()
    if not known:
        return Panel(label, None, notes)
    total = sum(known.values())
    rows = [(name, value, _text(value, total, unit)) for name, value in known.items()]
    base = alt.Chart(table(("component", "value", "text"), rows)).encode(
        x=alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, 1.45 * largest or 1])),
        y=alt.Y("component:N", title=None, sort=None, axis=alt.Axis(domain=False, ticks=False)),
    )
    bars = base.mark_bar(color=tone(color), height=alt.RelativeBandSize(0.66)).encode(tooltip=["component:N", "text:N"])
    texts = base.mark_text(align="left", dx=4).encode(text="text:N")
    return Panel(label, alt.layer(bars, texts).properties(width=WIDTH // 2, height=LANE * len(rows)), notes)


def _name(key: str) -> str:
    return NAMES.get(key, key.replace("_", " "))


def _text(value: float, total: float, unit: Unit) -> str:
    return f"{shown(value, unit)}, {100 * value / total:.1f} %" if total else shown(value, unit)
