"""The table of layers on a page: structure found, what it takes, and the error of projections."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cimc.report.cost.vectors import INFERENCE
from cimc.report.formats import format_text
from cimc.report.layer import Layer, have_formats
from cimc.report.quantities import ENERGY, SHARE, TIME, Unit, number, scale_of, shown
from cimc.report.study import Study


@dataclass(frozen=True)
class Cell:
    """A cell of the table: its text, what it is sorted by, and how long its bar is (0 to 1)."""

    text: str
    key: float | str
    bar: float | None = None


@dataclass(frozen=True)
class Column:
    """A column of the table; numbers stand on the right."""

    title: str
    numeric: bool
    cells: Sequence[Cell]


QUANTISED = {
    "weight_bits": "quantised to bits",
    "weight_group": "rows of a scale",
    "smoothing": "strength of smoothing",
}
"""What weights became here, among the notes of a layer."""
ERRORS = {
    "quantisation_error": "error of quantising",
    "largest_scale_error": "with scales of largest values",
    "rounded_output_error": "error of outputs, compensated",
    "nearest_output_error": "error of outputs, nearest integers",
    "weight_error": "error of weights",
    "output_error": "error of outputs",
    "closed_form_output_error": "error of outputs, closed form",
}
"""Relative errors of quantising and of a projection among the notes of a layer."""
REMARKS = ("monarch", "almost", "choice", "rounding")


def layer_columns(study: Study) -> list[Column]:
    """The columns of the table, without those that no layer has anything to say in."""
    layers, per = study.report.layers, study.report.per
    narrow = any(layer.input_bits != 8 for layer in layers)
    copied = any(layer.copies > 1 for layer in layers)
    columns = [
        Column("node", False, [Cell(name, name) for name in study.layer_names]),
        Column("structure", False, [Cell(layer.kind, layer.kind) for layer in layers]),
        Column(
            "weight",
            True,
            [Cell(f"{a}\N{MULTIPLICATION SIGN}{b}", a * b) for a, b in (layer.shape for layer in layers)],
        ),
        _numbers("stored weights", layers, lambda layer: layer.stored_weights),
        _numbers("tiles", layers, lambda layer: layer.tiles),
        _numbers("arrays", layers, lambda layer: layer.arrays),
        _numbers("copies", layers, lambda layer: layer.copies if copied else None),
        _numbers("crossbars", layers, lambda layer: layer.crossbars),
        Column("format", False, [Cell(text, text) for text in _formats(layers)]),
        _numbers("input bits", layers, lambda layer: layer.input_bits if narrow else None),
        _numbers("ADC bits", layers, lambda layer: layer.adc_bits),
        _numbers("vectors", layers, lambda layer: layer.vectors if per == INFERENCE else None),
        _numbers("conversions", layers, lambda layer: layer.conversions),
        _numbers("may clip", layers, lambda layer: layer.conversions_that_may_clip or None),
        _shares("clipped in its stage", layers, lambda layer: layer.stage_clipped_share),
        _numbers("stage", layers, lambda layer: layer.stage),
        _bars("latency", layers, lambda layer: layer.latency_ns, TIME),
        _bars("energy", layers, lambda layer: layer.energy_pj, ENERGY),
        *(
            _numbers(title, layers, lambda layer, key=key: layer.notes.get(key))
            for key, title in (QUANTISED | ERRORS).items()
        ),
        Column("remarks", False, [Cell(text, text) for text in map(_remarks, layers)]),
    ]
    return [column for column in columns if any(cell.text for cell in column.cells)]


def _formats(layers: Sequence[Layer]) -> list[str]:
    """The format of each layer's weights, or nothing where all are as usual."""
    if not have_formats(layers):
        return ["" for _ in layers]
    return [format_text(layer.bits, layer.encoding, layer.centred) for layer in layers]


def _remarks(layer: Layer) -> str:
    return "; ".join(f"{key}: {layer.notes[key]}" for key in REMARKS if key in layer.notes)


def _numbers(title: str, layers: Sequence[Layer], value: Callable[[Layer], float | None]) -> Column:
    return Column(title, True, [_cell(value(layer)) for layer in layers])


def _shares(title: str, layers: Sequence[Layer], value: Callable[[Layer], float | None]) -> Column:
    shares = [value(layer) for layer in layers]
    return Column(title, True, [Cell("", -1) if v is None else Cell(shown(v, SHARE), v) for v in shares])


def _cell(value: float | None) -> Cell:
    return Cell("", -1) if value is None else Cell(number(value), value)


def _bars(title: str, layers: Sequence[Layer], value: Callable[[Layer], float | None], unit: Unit) -> Column:
    values = [value(layer) for layer in layers]
    largest = max((v for v in values if v is not None), default=0)
    divisor, name = scale_of(largest, unit)
    decimals = max(0, 2 - math.floor(math.log10(largest / divisor))) if largest else 0
    cells = [
        Cell("", -1) if v is None else Cell(f"{v / divisor:,.{decimals}f}", v, v / largest if largest else 0)
        for v in values
    ]
    return Column(f"{title} ({name})", True, cells)
