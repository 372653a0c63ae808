"""The figures of a report as one flat row: `latency_ns.total`, `arrays`, ..."""

from collections.abc import Iterator, Mapping

from xdsl.utils.hints import isa

from cimc.report.report import Report
from cimc.sweep.networks import Figure

NO_FIGURES = ("chip", "conditions", "sources")
"""Parts of a report that say what the figures are of: the settings of a point stand in columns of their own."""


def figures_of(report: Report) -> dict[str, Figure]:
    """Every number of the report that is not of a layer, by its path; None where the report has none."""
    parts = {name: value for name, value in report.to_json().items() if name not in NO_FIGURES}
    return dict(_flattened(parts, ""))


def _flattened(parts: Mapping[str, object], prefix: str) -> Iterator[tuple[str, Figure]]:
    for name, value in parts.items():
        if isa(value, dict[str, object]):
            yield from _flattened(value, f"{prefix}{name}.")
        elif value is None or type(value) in (int, float):
            assert value is None or isinstance(value, int | float)
            yield prefix + name, value
