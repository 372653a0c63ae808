"""A picture of a sweep: its points by the figures they are compared by, the best ones full, the others faint."""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from cimc.report.figures.figure import CONFIG, VEGA_LITE
from cimc.report.figures.theme import tone
from cimc.report.quantities import scale_of
from cimc.sweep.figures import COSINE
from cimc.sweep.grid import Goal
from cimc.sweep.pareto import Front
from cimc.sweep.points import Setting
from cimc.sweep.quality import BITS_PER_BYTE, PERPLEXITY
from cimc.sweep.shown.ties import Tie, ties_of
from cimc.sweep.shown.words import figure_text, title_of, unit_of
from cimc.sweep.store import Cell, Row

QUALITIES = (PERPLEXITY, BITS_PER_BYTE, COSINE)
"""Figures that tell how good what points compute is."""
KIND, BEST, OTHER = "kind", "best", "others"
SIDE = 340
"""Width and height of a panel, in units of which the PNG has two pixels each."""
_SIZE, _RING = 80, 130
"""Area of a mark, and by how much more each mark below it has, so that it is seen around those above."""
_LOGARITHMIC_FROM = 10.0
"""Ratio of greatest to least from which an axis is logarithmic."""
_PREFERRED = ("weight_bits", "mapping", "monarch", "encoding", "chip")
"""The settings that tell points apart first: by colour, then by shape."""
_MOST_KINDS = 8
"""Settings with more values than this cannot be told apart by colour or shape."""
_NOTE_WIDTH = 110
"""Letters in a line below the title."""
_LISTED = 8
"""Points of a tie that are named one by one."""
PLOT_CONFIG: dict[str, Any] = {
    **{name: value for name, value in CONFIG.items() if name != "axisX"},  # it asks for the width of a single chart
    "legend": {
        **{name: value for name, value in CONFIG["legend"].items() if not name.startswith("symbol")},
        "symbolBaseFillColor": {"expr": "muted"},
    },
    "title": {
        "color": {"expr": "ink"},
        "fontSize": 15,
        "anchor": "middle",
        "subtitleColor": {"expr": "muted"},
        "subtitleFontSize": 11,
    },
}
Varying = Mapping[str, Sequence[Setting]]
"""The settings that differ between points, with their values."""


def write_plot(path: Path, front: Front, varying: Varying, title: str, notes: Sequence[str] = ()) -> None:
    """Draw all panels as a PNG, with notes below the title."""
    charts = [chart.properties(width=SIDE, height=SIDE) for chart in panels_of(front, varying, {})]
    spec = {**alt.hconcat(*charts, spacing=40).to_dict(), "title": _title(title, notes), "config": PLOT_CONFIG}
    path.write_bytes(vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=2))


def _title(title: str, notes: Sequence[str]) -> str | dict[str, Any]:
    lines = [line for note in notes for line in textwrap.wrap(note, _NOTE_WIDTH)]
    return {"text": title, "subtitle": lines} if lines else title


def panels_of(front: Front, varying: Varying, pages: Mapping[str, str]) -> list[alt.LayerChart | alt.FacetChart]:
    """A panel for each of `pairs_of`; `pages` are the addresses of reports by the settings of points."""
    figures = [goal.figure for goal in front.goals]
    kinds = _kinds(varying)
    groups = [*((OTHER, row) for row in front.others), *((BEST, row) for row in front.best)]
    records = [
        _record(kind, tie, figures, varying, pages)
        for kind in (OTHER, BEST)
        for tie in ties_of([row for own, row in groups if own == kind], [*figures, *kinds])
    ]
    shapes = {name: varying[name] for name in kinds}
    return [_panel(records, x, y, shapes) for x, y in pairs_of(front.goals)]


def pairs_of(goals: Sequence[Goal]) -> list[tuple[Goal, Goal]]:
    """What the panels show, across and upwards: quality over each cost, if it is a goal, else all over the first."""
    quality = next((goal for figure in QUALITIES for goal in goals if goal.figure == figure), None)
    if quality is not None:
        return [(goal, quality) for goal in goals if goal != quality]
    return [(goals[0], goal) for goal in goals[1:]]


def settings_text(row: Row, varying: Varying) -> str:
    """The settings of a point that differ from those of others."""
    return ", ".join(f"{name} {row[name]}" for name in varying)


def _record(kind: str, tie: Tie, figures: Sequence[str], varying: Varying, pages: Mapping[str, str]) -> dict[str, Any]:
    """What is drawn of points with equal figures, and what is said of them."""
    named = [settings_text(row, varying) for row in tie.rows]
    left = len(named) - _LISTED
    return {
        KIND: kind,
        **{figure: tie.first[figure] for figure in figures},
        **{f"text {figure}": figure_text(figure, tie.first[figure]) for figure in figures},
        **{name: str(tie.first[name]) for name in varying},
        "points": len(named),
        "settings": "; ".join(named[:_LISTED]) + (f"; and {left} more" if left > 0 else ""),
        "page": next((pages[name] for name in named if name in pages), None),
    }


def _kinds(varying: Varying) -> list[str]:
    """The settings for colour and shape."""
    ordered = [*(name for name in _PREFERRED if name in varying), *(n for n in varying if n not in _PREFERRED)]
    return [name for name in ordered if len(varying[name]) <= _MOST_KINDS][:2]


def _panel(records: Sequence[dict[str, Any]], x: Goal, y: Goal, kinds: Varying) -> alt.LayerChart | alt.FacetChart:
    rows = _placed(records, x, y)
    position = [_axis(alt.X, rows, x), _axis(alt.Y, rows, y)]
    tooltips = [
        alt.Tooltip("settings:N", title="settings"),
        alt.Tooltip("points:Q", title="points with these figures"),
        *(alt.Tooltip(_field(f"text {f}"), type="nominal", title=title_of(f)) for f in _figures(records)),
    ]
    marks = [
        alt.Opacity(KIND, type="nominal", title=None, scale=alt.Scale(domain=[BEST, OTHER], range=[0.9, 0.35])),
        alt.Size("size:Q", scale=None, legend=None),
        *(
            channel(_field(name), type="nominal", title=name, sort=[str(value) for value in kinds[name]])
            for channel, name in zip((alt.Color, alt.Shape), kinds)
        ),
    ]
    base = alt.Chart(alt.InlineData(values=rows))
    points = base.mark_point(filled=True, stroke=tone("paper"), strokeWidth=0.8).encode(*position, *marks, tooltips)
    counts = (
        base.transform_filter("datum.here > 1 && datum.top")
        .transform_calculate(count="'\N{MULTIPLICATION SIGN}' + datum.here")
        .mark_text(align="left", dx=9, dy=-8, fontSize=11, fontWeight="bold")
        .encode(*position, text="count:N")
    )
    return alt.layer(points, counts)


def _placed(records: Sequence[dict[str, Any]], x: Goal, y: Goal) -> list[dict[str, Any]]:
    """The records with how many points lie at the same place, and marks that are the smaller the higher they lie."""
    places = [(record[x.figure], record[y.figure]) for record in records]
    marks, points, below = Counter(places), Counter[tuple[Any, Any]](), Counter[tuple[Any, Any]]()
    for place, record in zip(places, records, strict=True):
        points[place] += record["points"]
    rows: list[dict[str, Any]] = []
    for place, record in zip(places, records, strict=True):
        below[place] += 1
        above = marks[place] - below[place]
        rows.append({**record, "here": points[place], "top": above == 0, "size": _SIZE + _RING * above})
    return rows


def _figures(records: Sequence[dict[str, Any]]) -> list[str]:
    return [name.removeprefix("text ") for name in records[0] if name.startswith("text ")]


def _axis(channel: type[alt.X] | type[alt.Y], rows: Sequence[Row], goal: Goal) -> alt.X | alt.Y:
    """The axis of a figure, in the unit that reports would show its greatest value in."""
    values = [_number(row[goal.figure]) for row in rows]
    divisor, unit = scale_of(max(map(abs, values)), unit_of(goal.figure))
    logarithmic = min(values) > 0 and max(values) / min(values) >= _LOGARITHMIC_FROM
    scale = alt.Scale(type="log", nice=True) if logarithmic else alt.Scale(zero=False, nice=True, padding=12)
    named = f"{title_of(goal.figure)}{f' ({unit})' if unit_of(goal.figure).steps else ''}"
    return channel(
        _field(goal.figure),
        type="quantitative",
        title=[named, f"{'greatest' if goal.greatest else 'least'} is best"],
        scale=scale,
        axis=alt.Axis(labelExpr=f"format(datum.value / {divisor}, '.4~')") if divisor != 1 else alt.Axis(),
    )


def _field(column: str) -> str:
    """The name of a column in Vega-Lite, for which a bare dot leads into an object."""
    return column.replace(".", r"\.")


def _number(value: Cell) -> float:
    assert isinstance(value, int | float)
    return float(value)
