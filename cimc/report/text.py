"""Reports as text: a short summary, and a table of layers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from cimc.report.report import Layer, Report


def summary_lines(report: Report) -> Iterator[str]:
    """The figures that matter most, one a line."""
    chip = report.chip
    yield (
        f"chip          {chip['name']}: arrays of {chip['rows']}x{chip['columns']}, {chip['cell_bits']}-bit cells, "
        + (f"{chip['dac_bits']}-bit DAC, {chip['adcs']} ADCs of up to {chip['adc_bits']} bits")
    )
    yield f"arrays        {report.arrays} ({report.mapping} mapping; no mapping needs fewer than " + (
        f"{report.arrays_lower_bound})"
    )
    yield f"utilisation   {100 * report.utilization:.1f} % of the cells, {report.stored_weights:,} weights stored"
    kinds = Counter(layer.kind for layer in report.layers)
    saved = (
        f"; {report.dense_weights:,} weights if they were dense" if report.dense_weights > report.stored_weights else ""
    )
    yield f"structure     {', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items())) or 'none'}{saved}"
    if report.permutations_executed or report.permutations_before_folding:
        before = report.permutations_before_folding
        yield f"permutations  {report.permutations_executed} executed, {before} before folding"
    yield from _error_lines(report.layers)
    yield f"conversions   {report.conversions_per_token:,} a token, in {report.row_groups:,} row groups"
    yield f"stages        {report.stages}, with {report.kernels} kernels of digital operators between them"
    latency = (report.latency_ns["parameter"] or 0) / 1000
    yield f"latency       {latency:,.1f} us a token in the arrays (digital operators are not modelled yet)"


def _error_lines(layers: Sequence[Layer]) -> Iterator[str]:
    """The errors of projections, least and greatest, and how many layers were left alone."""
    names = {"weight_error": "weights", "output_error": "outputs", "closed_form_output_error": "outputs, closed form"}
    for key, name in names.items():
        errors = [layer.notes[key] for layer in layers if key in layer.notes]
        if errors:
            yield f"projection    relative error of {name} {min(errors):.3f} to {max(errors):.3f}"
    for text, count in Counter(str(layer.notes["monarch"]) for layer in layers if "monarch" in layer.notes).items():
        yield f"projection    {count} layers {text}"
    for layer in layers:
        if "almost" in layer.notes:
            yield f"almost        {layer.node}: {layer.notes['almost']}; dense unless --prune-below allows it"


def layer_lines(layers: Sequence[Layer]) -> list[str]:
    """One line a layer; the ONNX node comes last, because its name may be long."""
    head = ("shape", "kind", "tiles", "arrays", "ADC bits", "conversions", "stage", "latency us", "node")
    rows = [
        (
            f"{layer.shape[0]}x{layer.shape[1]}",
            layer.kind,
            str(layer.tiles),
            str(layer.arrays),
            str(layer.adc_bits),
            f"{layer.conversions:,}",
            str(layer.stage),
            f"{layer.latency_ns / 1000:,.1f}",
            " ".join(layer.node.split()),
        )
        for layer in layers
    ]
    return aligned([head, *rows], "r" + "l" + "r" * 6 + "l")


def statistics_lines(passes: Sequence[tuple[str, float, float, Mapping[str, int]]]) -> list[str]:
    """One line a pass: its name, its seconds, those of the checks after it, operations by name after it."""
    rows = [("pass", "ms", "checks ms", "operations after it")]
    for name, seconds, checking, operations in passes:
        counts = ", ".join(f"{count} {op}" for op, count in sorted(operations.items()))
        rows.append((name, f"{1000 * seconds:.1f}", f"{1000 * checking:.1f}", counts))
    return aligned(rows, "lrrl")


def aligned(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Rows as lines with columns two blanks apart, each aligned to its side, `l` or `r`; nothing is ever folded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if side == "r" else cell.ljust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        ).rstrip()
        for row in rows
    ]
