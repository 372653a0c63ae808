"""Programs side by side as text: key figures, energy and area by component, layers by node."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from cimc.program.one_line import one_line
from cimc.report.cost.dimensions import sizes_text
from cimc.report.formats import format_text
from cimc.report.key_figures import KEY_FIGURES
from cimc.report.largest_parts import TOTALS
from cimc.report.layer import Layer, have_formats
from cimc.report.quantities import AREA, ENERGY, TIME, number, plainly
from cimc.report.structures import structure_text
from cimc.report.study import Study
from cimc.report.texts.coverage_text import coverage_text
from cimc.report.texts.parts_text import constants_text, parts_lines
from cimc.report.texts.table import Table
from cimc.report.words import per_of

Row = tuple[str, ...]
NOTHING = ""
"""In place of a figure that a program does not have."""


def comparison_tables(studies: Sequence[Study]) -> Iterator[Table]:
    """What several programs are compared by: the figures, their components, and the layers."""
    yield _figures(studies)
    yield _components(studies)
    yield _layers(studies)


def subject_lines(studies: Sequence[Study]) -> Iterator[str]:
    """What each program is, and what is not known of it."""
    for study in studies:
        report, model = study.report, one_line(study.program.source.file) or "an unnamed network"
        chip = report.chip
        sizes = sizes_text(report.conditions["dims"])
        yield f"{study.label}: {model} on {chip['name']}, arrays of {chip['rows']}x{chip['columns']}, " + (
            f"{report.mapping} mapping{f'; for {sizes}' if sizes else ''}"
        )
        yield f"  coverage: {coverage_text(report.coverage)}"
        yield f"  structure: {structure_text(report.structures)}"
        yield f"  constants: {one_line(constants_text(report))}"
        yield from (f"  {line}" for line in parts_lines(report, *TOTALS))
        yield from (f"  note: {one_line(note)}" for note in report.notes)


def _figures(studies: Sequence[Study]) -> Table:
    """The key figures, and how many times those of the first program the others have."""
    reports, per = [study.to_json() for study in studies], per_of(study.report for study in studies)
    rows: list[Row] = []
    for figure in KEY_FIGURES:
        values = [figure.value(report) for report in reports]
        if any(value is not None for value in values):
            rows.append(
                (figure.said_of(per).title, *_with_ratios(values, lambda value, unit=figure.unit: plainly(value, unit)))
            )
    head = ("figure", studies[0].label, *(title for study in studies[1:] for title in (study.label, "ratio")))
    return Table(head, rows, "l" + "r" * (len(head) - 1), name="figure")


def _with_ratios(values: Sequence[float | None], text: Callable[[float | None], str]) -> Iterator[str]:
    first = values[0]
    for place, value in enumerate(values):
        yield text(value)
        if place:
            yield f"{number(value / first)}x" if value is not None and first else NOTHING


def _components(studies: Sequence[Study]) -> Table:
    """Energy of one token and area by component, each program's beside the others'."""
    energies = [study.report.energy_components_pj for study in studies]
    areas = [study.report.area_components_um2 for study in studies]
    names = dict.fromkeys(name for parts in (*energies, *areas) for name in parts)
    rows: list[Row] = [
        (
            name.replace("_", " "),
            *(plainly(parts[name], ENERGY) if name in parts else NOTHING for parts in energies),
            *(plainly(parts[name], AREA) if name in parts else NOTHING for parts in areas),
        )
        for name in names
    ]
    head = ("component", *_titles("energy", studies), *_titles("area", studies))
    return Table(head, rows, "l" + "r" * (len(head) - 1), name="component")


_FORMAT_COLUMNS: Mapping[str, Callable[[Layer], str]] = {
    "crossbars": lambda layer: str(layer.crossbars),
    "format": lambda layer: format_text(layer.bits, layer.encoding, layer.centred),
}


def _layers(studies: Sequence[Study]) -> Table:
    """A row for each layer that any of the programs has, by the name of its node."""
    layers = [dict(zip(study.layer_names, study.report.layers, strict=True)) for study in studies]
    names = dict.fromkeys(name for own in layers for name in own)
    columns: Mapping[str, Callable[[Layer], str]] = {
        "kind": lambda layer: layer.kind,
        "ADC bits": lambda layer: str(layer.adc_bits),
        "arrays": lambda layer: str(layer.arrays),
        **(_FORMAT_COLUMNS if any(have_formats(study.report.layers) for study in studies) else {}),
        "latency": lambda layer: plainly(layer.latency_ns, TIME),
        "energy": lambda layer: plainly(layer.energy_pj, ENERGY),
    }
    rows: list[Row] = [
        (*(text(own[name]) if name in own else NOTHING for text in columns.values() for own in layers), name)
        for name in names
    ]
    titles = {title: _titles(title, studies) for title in columns}
    spare = [*titles["kind"], *titles["ADC bits"], *titles["arrays"], *titles.get("crossbars", ())]
    head = (*(title for own in titles.values() for title in own), "node")
    sides = "".join(("l" if title in ("kind", "format") else "r") * len(own) for title, own in titles.items()) + "l"
    return Table(head, rows, sides, name="node", spare=spare)


def _titles(title: str, studies: Sequence[Study]) -> list[str]:
    return [f"{title} {study.label}" for study in studies]
