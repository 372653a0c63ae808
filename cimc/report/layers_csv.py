"""The layers of reports as CSV: one row a layer, the columns of docs/report.md."""

import csv
from collections.abc import Iterable
from typing import IO

from cimc.report.report import Layer, Report
from passes.analysis.cost.arrays import ARRAY_COMPONENTS

COLUMNS = (
    "program",
    "node",
    "kind",
    "rows",
    "columns",
    "stored_weights",
    "tiles",
    "arrays",
    "adc_bits",
    "conversions",
    "conversions_that_may_clip",
    "stage_clipped_share",
    "stage",
    "latency_ns",
    "energy_pj",
    *(f"energy_{name}_pj" for name in ARRAY_COMPONENTS),
    "area_um2",
    "leakage_pj",
)


def write_layers(reports: Iterable[tuple[str, Report]], file: IO[str]) -> None:
    """Write the layers of programs, each with its name; what is not known is left empty."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for program, report in reports:
        writer.writerows(_row(program, layer) for layer in report.layers)


def _row(program: str, layer: Layer) -> list[str | int | float | None]:
    rows, columns = layer.shape
    return [
        program,
        layer.node,
        layer.kind,
        rows,
        columns,
        layer.stored_weights,
        layer.tiles,
        layer.arrays,
        layer.adc_bits,
        layer.conversions,
        layer.conversions_that_may_clip,
        layer.stage_clipped_share,
        layer.stage,
        layer.latency_ns,
        layer.energy_pj,
        *(layer.energy_components_pj[name] for name in ARRAY_COMPONENTS),
        layer.area_um2,
        layer.leakage_pj,
    ]
