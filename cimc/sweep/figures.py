"""The figures of a report as one flat row: `latency_ns.total`, `arrays`, ..."""

from collections.abc import Iterator, Mapping

from xdsl.utils.hints import isa

from cimc.program.distance import Distance
from cimc.report.report import Report, measured_json

Figure = int | float | None

NO_FIGURES = ("chip", "conditions", "options", "measured", "sources", "largest_parts")
"""Parts of a report that say what the figures are of: the settings of a point stand in columns of their own.

What was measured does so, too: a program of a sweep is not measured if its network says everything.
"""
COSINE = "measured.cosine"
MEASURED = ("cosine", "largest_difference", "clipped", "conversions")
"""The numbers among what was measured, as they are called in a report."""
MAY_CLIP = "may_clip.conversions"


def figures_of(report: Report) -> dict[str, Figure]:
    """Every number of the report that is not of a layer, by its path; None where the report has none."""
    parts = {name: value for name, value in report.to_json().items() if name not in NO_FIGURES}
    return dict(_flattened(parts, ""))


def measured_figures(distance: Distance) -> dict[str, Figure]:
    """What was measured, as figures of a point: nothing where it could not be."""
    json = None if distance.failure is not None else measured_json(distance)
    return {f"measured.{name}": None if json is None else json[name] for name in MEASURED}


def _flattened(parts: Mapping[str, object], prefix: str) -> Iterator[tuple[str, Figure]]:
    for name, value in parts.items():
        if isa(value, dict[str, object]):
            yield from _flattened(value, f"{prefix}{name}.")
        elif value is None or type(value) in (int, float):
            assert value is None or isinstance(value, int | float)
            yield prefix + name, value
