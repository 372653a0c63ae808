"""The page of a report: one HTML file with charts, tables, data and scripts inside; it loads nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from altair.utils import schemapi

from cimc.report.figures.all_figures import figures_of
from cimc.report.figures.figure import PICKED, Figure, Panel, legend_entries
from cimc.report.formats import format_text, marked_formats
from cimc.report.key_figures import KEY_FIGURES, KeyFigure, shown_figures
from cimc.report.largest_parts import TOTALS, said_parts
from cimc.report.page.cautions import cautions, conditions, made_of, shared
from cimc.report.page.layer_table import layer_columns
from cimc.report.page.rendering import embedded, rendered
from cimc.report.quantities import SHARE, number, shown
from cimc.report.structures import structure_text
from cimc.report.study import Study, json_of
from cimc.report.texts.coverage_text import coverage_text, percent
from cimc.report.words import per_of

CHIP = "chip."
"""What keys of the report's `sources` begin with that say where a number of the chip comes from."""

_UNLISTED = tuple(total for total in TOTALS if total not in {figure.path for figure in KEY_FIGURES})
"""Totals that are no key figure, beside which it would stand what they are made of."""


def page_of(studies: Sequence[Study]) -> str:
    """The page of one program, or of several side by side."""
    with schemapi.debug_mode(False):  # the charts are right, which tests see to: checking them takes most of the time
        figures = figures_of(studies)
        charts = embedded(_charts(figures))
    reports, unlisted = json_of(studies), TOTALS if len(studies) > 1 else _UNLISTED
    return rendered(
        "page.html",
        title=" and ".join(dict.fromkeys(study.program.source.file or study.label for study in studies)),
        per=per_of(study.report for study in studies),
        studies=[_study(study) for study in studies],
        comparison=_comparison(studies),
        counted=shared(studies, lambda study: [*conditions(study), *made_of(study, unlisted)]),
        parts=dict(said_parts(studies[0].report.largest_parts)),
        cautions=shared(studies, cautions),
        figures=[_figure(figure) for figure in figures],
        picked=PICKED,
        report=embedded(reports),
        charts=charts,
    )


def _study(study: Study) -> Mapping[str, Any]:
    report = study.to_json()
    return {
        "label": study.label,
        "program": study.program,
        "report": report,
        "structure": structure_text(study.report.structures),
        "coverage": coverage_text(study.report.coverage),
        "digital": [{**vars(part), "share": percent(part.share)} for part in study.report.coverage.digital],
        "figures": list(shown_figures(report)),
        "formats": _formats(study),
        "columns": layer_columns(study),
        "layers": [
            (name, study.layer_names[owner], color)
            for name, owner, color in zip(study.layer_names, study.owners, study.colors, strict=True)
        ],
        "legend": _legend(study),
        "formulas": {key: text for key, text in study.report.sources.items() if not key.startswith(CHIP)},
        "chip_sources": {
            key.removeprefix(CHIP): text for key, text in study.report.sources.items() if key.startswith(CHIP)
        },
    }


def _formats(study: Study) -> list[Mapping[str, Any]]:
    """A row for each format; its colour on the map is None where all arrays have the same."""
    uses, marked = study.report.formats, marked_formats(study.program)
    colors = [own.color for own in marked] or [None for _ in uses]
    rows: list[Mapping[str, Any]] = []
    for use, color in zip(uses, colors, strict=True):
        numbers = (
            use.arrays, use.slices, use.crossbars, use.crossbars_lower_bound, use.stored_weights, use.conversions,
        )  # fmt: skip
        texts = [*map(number, numbers), shown(use.utilization, SHARE)]
        rows.append({"name": format_text(use.bits, use.encoding, use.centred), "color": color, "texts": texts})
    return rows


def _legend(study: Study) -> tuple[tuple[str, str], ...]:
    """Name and colour of a few layers."""
    return tuple((study.layer_names[study.owners[i]], study.colors[i]) for i in legend_entries(len(study.colors)))


def _comparison(studies: Sequence[Study]) -> list[tuple[KeyFigure, list[tuple[float | None, str, str]]]]:
    """For each key figure that any program has: the number, its text and its ratio to the first, for each program."""
    reports, per = [study.to_json() for study in studies], per_of(study.report for study in studies)
    rows: list[tuple[KeyFigure, list[tuple[float | None, str, str]]]] = []
    for figure in KEY_FIGURES:
        values = [figure.value(report) for report in reports]
        if any(value is not None for value in values):
            rows.append(
                (figure.said_of(per), [(v, _text(v, figure), _ratio(v, values[0], i)) for i, v in enumerate(values)])
            )
    return rows


def _text(value: float | None, figure: KeyFigure) -> str:
    return "not modelled" if value is None else shown(value, figure.unit)


def _ratio(value: float | None, first: float | None, place: int) -> str:
    return f"{number(value / first)}\N{MULTIPLICATION SIGN}" if place and value is not None and first else ""


def _figure(figure: Figure) -> Mapping[str, Any]:
    panels = [
        {"id": _identifier(figure, i), "label": panel.label, "drawn": panel.chart is not None, "notes": panel.notes}
        for i, panel in enumerate(figure.panels)
    ]
    return {"name": figure.name, "title": figure.title, "text": figure.text, "half": figure.half, "panels": panels}


def _charts(figures: Sequence[Figure]) -> list[Mapping[str, Any]]:
    return [
        {"id": _identifier(figure, i), "aspect": panel.aspect, "spec": _without_legends(panel)}
        for figure in figures
        for i, panel in enumerate(figure.panels)
        if panel.chart is not None
    ]


def _identifier(figure: Figure, panel: int) -> str:
    return f"{figure.name}-{panel}"


def _without_legends(panel: Panel) -> dict[str, Any]:
    """The chart without the legends of layers and formats: the page has its own, which fold on narrow screens."""
    spec = panel.spec()
    for view in (spec, *spec.get("layer", [])):
        for channel, field in (("color", "layer"), ("fill", "format")):
            encoding = view.get("encoding", {}).get(channel, {})
            if encoding.get("field") == field:
                encoding["legend"] = None
    return spec
