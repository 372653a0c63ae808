"""The key figures of several programs side by side, as bars."""

from collections.abc import Sequence

import altair as alt

from cimc.report.figures.figure import WIDTH, Figure, Panel, table
from cimc.report.figures.theme import tone
from cimc.report.key_figures import KEY_FIGURES, KeyFigure
from cimc.report.quantities import shown
from cimc.report.study import Study
from cimc.report.words import per_of

LANE = 24


def comparison(studies: Sequence[Study]) -> Figure:
    """One chart for each key figure, one bar for each program."""
    reports = [(study.label, study.report.to_json()) for study in studies]
    compared = [
        (figure, [(label, value) for label, report in reports if (value := figure.value(report)) is not None])
        for figure in KEY_FIGURES
        if figure.compared
    ]
    text = "Bars begin at zero; the table has the numbers, and how each program compares with the first."
    per = per_of(study.report for study in studies)
    panels = tuple(_panel(figure.said_of(per), values, len(studies)) for figure, values in compared if values)
    return Figure("comparison", "Comparison", text, panels)


def _panel(figure: KeyFigure, values: Sequence[tuple[str, float]], programs: int) -> Panel:
    largest = max(value for _, value in values)
    rows = [(label, value, shown(value, figure.unit)) for label, value in values]
    base = alt.Chart(table(("program", "value", "text"), rows)).encode(
        x=alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, 1.35 * largest or 1])),
        y=alt.Y("program:N", title=None, sort=None, axis=alt.Axis(labelLimit=150, domain=False, ticks=False)),
    )
    bars = base.mark_bar(color=tone("accent"), height=alt.RelativeBandSize(0.62)).encode(
        tooltip=["program:N", "text:N"]
    )
    texts = base.mark_text(align="left", dx=4).encode(text="text:N")
    missing = programs - len(values)
    notes = (f"{missing} of the programs have no such figure.",) if missing else ()
    chart = alt.layer(bars, texts).properties(width=WIDTH // 2, height=LANE * len(values))
    return Panel(figure.title, chart, notes)
