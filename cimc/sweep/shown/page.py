"""The page of a sweep: its best points to hover over, with links to their reports; one file that loads nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from altair.utils import schemapi

from cimc.report.page.rendering import embedded, rendered
from cimc.sweep.pareto import Front
from cimc.sweep.run import Sweep
from cimc.sweep.shown.parts import parts_notes
from cimc.sweep.shown.plot import PLOT_CONFIG, SIDE, pairs_of, panels_of, settings_text
from cimc.sweep.shown.results import varying_settings
from cimc.sweep.shown.text import best_line, best_ties, cautions_of, front_table, summary_lines
from cimc.sweep.shown.words import title_of

MOST_ROWS = 500
"""Of the table of best points."""


def page_of_sweep(sweep: Sweep, front: Front, model: str, reports: Sequence[str | None]) -> str:
    """The page; `reports` are the addresses of the first ties' reports, seen from the page."""
    varying, ties = varying_settings(sweep), best_ties(front)
    pages: dict[str, str] = {}
    for tie, address in zip(ties, reports, strict=False):
        if address is not None:
            pages |= {settings_text(row, varying): address for row in tie.rows}
    with schemapi.debug_mode(False):  # as for the pages of reports
        charts = _charts(front, varying, pages)
    table = front_table(sweep, front, most=MOST_ROWS, plain=False)
    left = len(ties) - len(table.rows)
    fixed = {name: value for name, value in sweep.points[0].settings.items() if name not in varying}
    return rendered(
        "sweep.html",
        "cimc.sweep",
        title=model,
        summary=list(summary_lines(sweep)),
        fixed=", ".join(f"{name} {value}" for name, value in fixed.items()),
        best=best_line(front),
        cautions=[*cautions_of(front), *parts_notes(sweep, front)],
        panels=[
            (f"{title_of(y.figure)}, over {title_of(x.figure)}", f"panel-{i}")
            for i, (x, y) in enumerate(pairs_of(front.goals))
        ],
        table=table,
        addresses=[*reports, *(None for _ in table.rows)],
        left=left,
        charts=embedded(charts),
    )


def _charts(front: Front, varying: Mapping[str, Any], pages: Mapping[str, str]) -> list[dict[str, Any]]:
    autosize = {"type": "fit-x", "contains": "padding"}
    return [
        {
            "id": f"panel-{i}",
            "aspect": None,
            "spec": {**chart.properties(height=SIDE).to_dict(), "config": PLOT_CONFIG, "autosize": autosize},
        }
        for i, chart in enumerate(panels_of(front, varying, pages))
    ]
