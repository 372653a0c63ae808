"""The layers of reports as CSV: one row a layer, the columns of docs/report.md."""

import csv
from collections.abc import Iterable
from typing import IO, TypeAlias

from cimc.report.layer import Layer
from cimc.report.report import Report
from passes.analysis.cost.arrays import ARRAY_COMPONENTS

Cell: TypeAlias = "str | int | float | None"
QUANTISING = (
    "weight_bits",
    "weight_group",
    "quantisation_error",
    "largest_scale_error",
    "rounded_output_error",
    "nearest_output_error",
    "rounding",
    "choice",
    "smoothing",
)
"""Notes of a layer about how its weights became integers."""
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
    "vectors",
    "crossbars",
    "bits",
    "encoding",
    "centred",
    "input_bits",
    "copies",
    *QUANTISING,
)


def write_layers(reports: Iterable[tuple[str, Report]], file: IO[str]) -> None:
    """Write the layers of programs, each with its name; what is not known is left empty."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for program, report in reports:
        writer.writerows([program, *row_of(layer).values()] for layer in report.layers)


def row_of(layer: Layer) -> dict[str, Cell]:
    """The figures of a layer by column; None for what is not known."""
    rows, columns = layer.shape
    cells = [
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
        layer.vectors,
        layer.crossbars,
        layer.bits,
        layer.encoding,
        int(layer.centred),
        layer.input_bits,
        layer.copies,
        *(layer.notes.get(name) for name in QUANTISING),
    ]
    return dict(zip(COLUMNS[1:], cells, strict=True))
