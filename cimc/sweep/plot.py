"""A picture of a sweep: its points by the figures they are compared by, the best ones full, the others faint."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import altair as alt
import vl_convert

from cimc.sweep.grid import Goal
from cimc.sweep.pareto import Front
from cimc.sweep.points import Setting
from cimc.sweep.store import Cell, Row

KIND, BEST, OTHER = "kind", "best", "others"
_SIDE = 340
"""Width and height of a panel, in units of which the PNG has two pixels each."""
_LOGARITHMIC_FROM = 10.0
"""Ratio of greatest to least from which an axis is logarithmic."""
_PREFERRED = ("mapping", "monarch", "chip")
"""The settings that tell points apart first: by colour, then by shape."""
_MOST_KINDS = 8
"""Settings with more values than this cannot be told apart by colour or shape."""


def write_plot(path: Path, front: Front, varying: Mapping[str, Sequence[Setting]], title: str) -> None:
    """Draw `chart_of` as a PNG."""
    path.write_bytes(vl_convert.vegalite_to_png(chart_of(front, varying, title).to_json(), scale=2))


def chart_of(front: Front, varying: Mapping[str, Sequence[Setting]], title: str) -> alt.HConcatChart:
    """Every goal but the first over the first; `varying` are the settings that differ, with their values."""
    kinds = _kinds(varying)
    rows = [{**row, **{name: str(row[name]) for name in kinds}, KIND: OTHER} for row in front.others]
    rows += [{**row, **{name: str(row[name]) for name in kinds}, KIND: BEST} for row in front.best]
    first, *others = front.goals
    panels = [_panel(rows, first, goal, {name: varying[name] for name in kinds}) for goal in others]
    return alt.hconcat(*panels, spacing=40).properties(
        data=alt.InlineData(values=rows), title=alt.TitleParams(title, fontSize=15, anchor="middle")
    )


def _kinds(varying: Mapping[str, Sequence[Setting]]) -> list[str]:
    """The settings for colour and shape."""
    ordered = [*(name for name in _PREFERRED if name in varying), *(n for n in varying if n not in _PREFERRED)]
    return [name for name in ordered if len(varying[name]) <= _MOST_KINDS][:2]


def _panel(rows: Sequence[Row], x: Goal, y: Goal, kinds: Mapping[str, Sequence[Setting]]) -> alt.Chart:
    encodings = [
        alt.X(_field(x.figure), type="quantitative", title=_title(x), scale=_scale(rows, x)),
        alt.Y(_field(y.figure), type="quantitative", title=_title(y), scale=_scale(rows, y)),
        alt.Opacity(KIND, type="nominal", title=None, scale=alt.Scale(domain=[BEST, OTHER], range=[1.0, 0.2])),
        *(
            channel(_field(name), type="nominal", title=name, sort=[str(value) for value in kinds[name]])
            for channel, name in zip((alt.Color, alt.Shape), kinds)
        ),
    ]
    return alt.Chart().mark_point(filled=True, size=90).encode(*encodings).properties(width=_SIDE, height=_SIDE)


def _scale(rows: Sequence[Row], goal: Goal) -> alt.Scale:
    values = [_number(row[goal.figure]) for row in rows]
    logarithmic = min(values) > 0 and max(values) / min(values) >= _LOGARITHMIC_FROM
    return alt.Scale(type="log", nice=True) if logarithmic else alt.Scale(zero=False, nice=True)


def _title(goal: Goal) -> str:
    return f"{goal.figure} ({'greatest' if goal.greatest else 'least'} is best)"


def _field(column: str) -> str:
    """The name of a column in Vega-Lite, for which a bare dot leads into an object."""
    return column.replace(".", r"\.")


def _number(value: Cell) -> float:
    assert isinstance(value, int | float)
    return float(value)
