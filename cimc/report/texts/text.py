"""Reports as text: a short summary, and a table of layers."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cimc.program.distance import Distance
from cimc.program.fidelity import clipped_text, may_clip_text, measured_text
from cimc.program.one_line import one_line
from cimc.report.copies import copies_lines
from cimc.report.cost.dimensions import sizes_text
from cimc.report.cost.program_cost import add
from cimc.report.cost.vectors import INFERENCE
from cimc.report.formats import encoding_text, format_lines
from cimc.report.largest_parts import AREA as TOTAL_AREA
from cimc.report.largest_parts import MEMORIES
from cimc.report.layer import Layer, have_formats
from cimc.report.quantities import AREA, ENERGY, TIME, Unit, number, plainly
from cimc.report.report import Report, Split
from cimc.report.sharing import sharing_text
from cimc.report.structures import structure_text
from cimc.report.texts.coverage_text import coverage_lines
from cimc.report.texts.parts_text import ENERGIES, constants_text, parts_lines
from cimc.report.texts.reload_text import reload_lines
from cimc.report.texts.table import Table, aligned
from cimc.report.words import vectors_text, worded


def summary_lines(report: Report, distance: Distance | None = None) -> Iterator[str]:
    """The figures that matter most, one a line; `distance` is what came of measuring just now, a failure too."""
    chip = report.chip
    yield (
        f"chip          {chip['name']}: arrays of {chip['rows']}x{chip['columns']}, {chip['cell_bits']}-bit cells, "
        + (f"{chip['dac_bits']}-bit DAC, {chip['adcs']} ADCs of up to {chip['adc_bits']} bits")
    )
    yield from format_lines(report.formats, report.mapping, (report.arrays_lower_bound, report.crossbars_lower_bound))
    yield f"utilisation   {100 * report.utilization:.1f} % of the cells, {report.stored_weights:,} weights stored"
    yield from coverage_lines(report.coverage)
    saved = (
        f"; {report.dense_weights:,} weights if they were dense" if report.dense_weights > report.stored_weights else ""
    )
    yield f"structure     {structure_text(report.structures)}{saved}"
    if report.sharing.saved_weights:
        yield f"sharing       {sharing_text(report.sharing, report.arrays)}"
    yield from copies_lines(report.copies, report.array_work, worded("a token", report.per))
    yield from reload_lines(report.reload, worded("a token", report.per))
    if report.permutations_executed or report.permutations_before_folding:
        before = report.permutations_before_folding
        yield f"permutations  {report.permutations_executed} executed, {before} before folding"
    yield from _error_lines(report.layers)
    yield from _input_lines(report.layers)
    per = worded("a token", report.per)
    if report.per == INFERENCE:
        vectors = [layer.vectors for layer in report.layers]
        yield f"vectors       {vectors_text(vectors)} a multiplication, in one inference"
    yield f"conversions   {report.conversions_per_token:,} {per}, in {report.row_groups:,} row groups"
    yield from _clipping_lines(report)
    yield f"stages        {report.stages}, with {report.kernels} kernels of digital operators between them"
    yield from _cost_lines(report)
    measured = distance or report.measured
    if measured is not None:
        yield f"{measured.ran:<14}{measured_text(measured)}"
    elif report.may_clip:
        yield "program       not measured, and it may clip: what it computes may be far from its reference"


def _quantised_lines(layers: Sequence[Layer]) -> Iterator[str]:
    """What weights were quantised to where that is noted, and by how much the best scales beat those of the largest."""
    bits = Counter(layer.notes["weight_bits"] for layer in layers if "weight_bits" in layer.notes)
    if bits:
        said = ", ".join(f"{number(b)} bits in {count:,}" for b, count in sorted(bits.items()))
        groups = sorted({layer.notes["weight_group"] for layer in layers if "weight_group" in layer.notes})
        rows = f", a scale for {' or '.join(map(number, groups))} rows" if groups else ""
        yield f"quantised     weights of {said} layer{'s' if len(layers) != 1 else ''}{rows}"
    yield from _compared(layers, "quantised", "weights", _SCALES)
    yield from _compared(layers, "rounded", "outputs", _ROUNDINGS)


_SCALES = ("quantisation_error", "largest_scale_error", "with scales of the largest")
_ROUNDINGS = ("rounded_output_error", "nearest_output_error", "with nearest integers")
"""Notes with an error and with the one of a simpler way, and how that is called."""


def _compared(layers: Sequence[Layer], subject: str, of: str, notes: tuple[str, str, str]) -> Iterator[str]:
    """The least and the greatest of an error, and of that of a simpler way."""
    own, others = ([layer.notes[key] for layer in layers if key in layer.notes] for key in notes[:2])
    if own:
        ranges = [f"{min(errors):.3f} to {max(errors):.3f}" for errors in (own, others) if errors]
        simpler = f" ({ranges[1]} {notes[2]})" if others else ""
        yield f"{subject:<14}relative error of {of} {ranges[0]}{simpler}"


def _input_lines(layers: Sequence[Layer]) -> Iterator[str]:
    """Bits of inputs, where some have fewer than 8."""
    counts = Counter(layer.input_bits for layer in layers)
    if counts.keys() - {8}:
        said = ", ".join(f"{bits} bits in {count:,}" for bits, count in sorted(counts.items()))
        yield f"inputs        {said} multiplication{'s' if len(layers) != 1 else ''}"


def _clipping_lines(report: Report) -> Iterator[str]:
    if report.may_clip:
        nodes = [layer.node for layer in report.layers if layer.conversions_that_may_clip]
        yield f"may clip      {may_clip_text(report.may_clip, nodes)}"
    if report.measured is not None and report.measured.clipping is not None:
        nodes = {stage.stage: stage.nodes for stage in report.stage_costs}
        yield f"clipped       {clipped_text(report.measured, nodes)}"


def limit_text(prefill: Mapping[str, Any]) -> str:
    """What limits how soon tokens follow each other, and how near to that the schedule comes; or that there is none."""
    if not prefill["proved"]:
        return f"{prefill['busiest']}, an estimate"
    over = prefill["interval_over_load"]
    return prefill["busiest"] + (f", {over:.2f} times its load" if over is not None and over >= 1.005 else "")


def _cost_lines(report: Report) -> Iterator[str]:
    """Time, energy and area: what is of the parameter multiplications alone, and what is all."""
    time, energy = _texts(report.latency_ns, TIME), _texts(report.energy_pj, ENERGY)
    leakage = plainly(report.energy_components_pj["leakage"], ENERGY)
    per = worded("a token", report.per)
    yield (f"latency       {time['total']} {per}: parameter {time['parameter']}, digital operators {time['digital']}")
    parameter, bound = report.latency_ns["parameter"], report.latency_lower_bound_ns
    arrays = report.arrays if report.reload is None else report.reload.arrays
    if parameter is not None and bound:
        yield (
            f"least         {plainly(bound, TIME)} for these row groups on {arrays} arrays, however they lie: "
            f"parameter is {parameter / bound:.2f} times that"
        )
    if report.overlap_ns:
        yield f"overlap       {plainly(report.overlap_ns, TIME)}, in which digital operators run beside arrays"
    yield (
        f"energy        {energy['total']} {per}: parameter {energy['parameter']}, "
        f"digital operators {energy['digital']}, {_memory_text(report)}leakage {leakage}"
    )
    yield from parts_lines(report, *ENERGIES)
    area = plainly(report.area_um2, AREA)
    yield f"area          {area}, of {arrays} arrays and all digital and attention units{_buffers_text(report)}"
    yield from parts_lines(report, TOTAL_AREA)
    alone, all_of_it = report.prefill["parameter"], report.prefill["total"]
    if alone is not None:
        times = all_of_it or alone
        many = f"prefill       {times['tokens']} tokens"
        if report.per == INFERENCE:
            many = f"stream        {times['tokens']} inferences"
        yield (
            f"{many} in {plainly(times['latency_ns'], TIME)}, one every "
            f"{plainly(times['interval_ns'], TIME)} ({limit_text(times)}); "
            f"parameter {plainly(alone['latency_ns'], TIME)}"
        )
    sizes = sizes_text(report.conditions["dims"])
    counted = f"; digital operators for {sizes}" if sizes else ""
    model = (report.adc_model or "none").split(":")[0]
    yield f"assumed       ADC model {model}{counted}"
    yield f"constants     {one_line(constants_text(report))}"
    yield from (f"note          {one_line(note)}" for note in report.notes)


def _memory_text(report: Report) -> str:
    """The energy of buffers and of keys and values, if any of that is counted."""
    energies = report.energy_components_pj
    counted = [energies[name] for name in MEMORIES if name in energies]
    return f"memories {plainly(add(counted), ENERGY)}, " if counted else ""


def _buffers_text(report: Report) -> str:
    held = report.memory["held"]
    return f", {math.ceil(held / 1024):,} KiB of buffers" if held and "buffer" in report.area_components_um2 else ""


def _texts(split: Split, unit: Unit) -> dict[str, str]:
    return {name: plainly(value, unit) for name, value in split.items()}


def _error_lines(layers: Sequence[Layer]) -> Iterator[str]:
    """The errors of quantising and of projections, least and greatest, and how many layers were left alone."""
    yield from _quantised_lines(layers)
    names = {"weight_error": "weights", "output_error": "outputs", "closed_form_output_error": "outputs, closed form"}
    for key, name in names.items():
        errors = [layer.notes[key] for layer in layers if key in layer.notes]
        if errors:
            yield f"projection    relative error of {name} {min(errors):.3f} to {max(errors):.3f}"
    for text, count in Counter(str(layer.notes["monarch"]) for layer in layers if "monarch" in layer.notes).items():
        yield f"projection    {count} layers {text}"
    for layer in layers:
        if "almost" in layer.notes:
            yield f"almost        {one_line(layer.node)}: {layer.notes['almost']}; dense unless --prune-below allows it"


def layer_table(layers: Sequence[Layer]) -> Table:
    """One row a layer; the ONNX node comes last, because its name may be long."""
    columns = _layer_columns(layers)
    spare = ["conversions", "tiles"]
    if "vectors" in columns:
        spare += ["arrays", "ADC bits", "kind"]
    if "bits" in columns:
        spare = ["tiles", "conversions", "encoding", "kind", "arrays", "ADC bits", "crossbars"]
    rows = [[text(layer) for _, text in columns.values()] for layer in layers]
    return Table(list(columns), rows, "".join(side for side, _ in columns.values()), name="node", spare=spare)


def _layer_columns(layers: Sequence[Layer]) -> dict[str, tuple[str, Callable[[Layer], str]]]:
    """The columns by title, each with its side; vectors and formats where they are not the same everywhere."""
    several = any(layer.vectors != 1 for layer in layers)
    return {
        **({"vectors": ("r", lambda layer: f"{layer.vectors:,}")} if several else {}),
        "shape": ("r", lambda layer: f"{layer.shape[0]}x{layer.shape[1]}"),
        "kind": ("l", lambda layer: layer.kind),
        "tiles": ("r", lambda layer: str(layer.tiles)),
        "arrays": ("r", lambda layer: str(layer.arrays)),
        **({"copies": ("r", lambda layer: str(layer.copies))} if any(layer.copies > 1 for layer in layers) else {}),
        **(_FORMAT_COLUMNS if have_formats(layers) else {}),
        "ADC bits": ("r", lambda layer: str(layer.adc_bits)),
        "conversions": ("r", lambda layer: f"{layer.conversions:,}"),
        "stage": ("r", lambda layer: str(layer.stage)),
        "latency": ("r", lambda layer: plainly(layer.latency_ns, TIME)),
        "energy": ("r", lambda layer: plainly(layer.energy_pj, ENERGY)),
        "node": ("l", lambda layer: one_line(layer.node)),
    }


_FORMAT_COLUMNS: Mapping[str, tuple[str, Callable[[Layer], str]]] = {
    "crossbars": ("r", lambda layer: str(layer.crossbars)),
    "bits": ("r", lambda layer: str(layer.bits)),
    "encoding": ("l", lambda layer: encoding_text(layer.encoding, layer.centred)),
}


def layer_lines(layers: Sequence[Layer]) -> list[str]:
    """The table of layers as plain lines."""
    return layer_table(layers).lines()


def component_table(report: Report) -> Table:
    """Energy by component, with its share of the dynamic energy if all of that is known, and area."""
    energies, areas = report.energy_components_pj, report.area_components_um2
    dynamic = add(value for name, value in energies.items() if name != "leakage")
    rows: list[tuple[str, ...]] = []
    for name in dict.fromkeys([*energies, *areas]):
        value = energies.get(name)
        share = "" if value is None or name == "leakage" or not dynamic else f"{100 * value / dynamic:.1f} %"
        rows.append(
            (
                name.replace("_", " "),
                plainly(value, ENERGY) if name in energies else "",
                share,
                plainly(areas[name], AREA) if name in areas else "",
            )
        )
    return Table(("component", worded("energy a token", report.per), "of dynamic", "area"), rows, "lrrr")


def statistics_lines(passes: Sequence[tuple[str, float, float, Mapping[str, int]]]) -> list[str]:
    """One line a pass: its name, its seconds, those of the checks after it, operations by name after it."""
    rows = [("pass", "ms", "checks ms", "operations after it")]
    for name, seconds, checking, operations in passes:
        counts = ", ".join(f"{count} {op}" for op, count in sorted(operations.items()))
        rows.append((name, f"{1000 * seconds:.1f}", f"{1000 * checking:.1f}", counts))
    return aligned(rows, "lrrl")
