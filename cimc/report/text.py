"""Reports as text: a short summary, and a table of layers."""

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.table import Table

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
    yield f"conversions   {report.conversions_per_token:,} a token, in {report.row_groups:,} row groups"
    yield f"stages        {report.stages}, with {report.kernels} kernels of digital operators between them"
    latency = (report.latency_ns["parameter"] or 0) / 1000
    yield f"latency       {latency:,.1f} us a token in the arrays (digital operators are not modelled yet)"


def layer_table(layers: tuple[Layer, ...]) -> Table:
    """One row a layer."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("node", overflow="fold")
    table.add_column("kind")
    for name in ("shape", "tiles", "arrays", "ADC bits", "conversions", "stage", "latency us"):
        table.add_column(name, justify="right")
    for layer in layers:
        shape = f"{layer.shape[0]}x{layer.shape[1]}"
        figures = (layer.tiles, layer.arrays, layer.adc_bits, f"{layer.conversions:,}", layer.stage)
        table.add_row(layer.node, layer.kind, shape, *map(str, figures), f"{layer.latency_ns / 1000:,.1f}")
    return table


def statistics_table(passes: Sequence[tuple[str, float, float, Mapping[str, int]]]) -> Table:
    """One row a pass: its name, its seconds, those of the checks after it, operations by name after it."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("pass")
    for name in ("ms", "checks ms"):
        table.add_column(name, justify="right")
    table.add_column("operations after it")
    for name, seconds, checking, operations in passes:
        counts = ", ".join(f"{count} {op}" for op, count in sorted(operations.items()))
        table.add_row(name, f"{1000 * seconds:.1f}", f"{1000 * checking:.1f}", counts)
    return table
