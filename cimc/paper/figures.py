"""The paper's figures with our numbers beside its claims: arrays, latency, energy, and the sweep over ADCs, as PNG."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import altair as alt
import vl_convert

from cimc.files.whole_file import whole_file
from cimc.paper.counts import Count
from cimc.paper.latency import Latency
from cimc.paper.speedups import REPORTED, REPORTED_ENERGY, Speedup
from cimc.paper.totals import Total
from cimc.report.palette import ACCENT, INK, MUTED, RULE, SECOND
from dialects.errors import UserError

Row: TypeAlias = dict[str, str | float]
Chart: TypeAlias = alt.FacetChart | alt.VConcatChart

ASSUMPTIONS = (
    "Arrays of 256x256 as pcm-256 has them: 2-bit cells, 1-bit inputs, 8 SAR ADCs a crossbar (closed form in 28 nm).",
    "Row groups and ADC bits by the lossless rule, from Gaussian weights in int8 with one scale a column.",
    "Stages one after the other, with transfers, permutations, sums of parts and shared ADCs (docs/schedules.md).",
    "A token is multiplied by every weight once; in BART-large by those of the encoder, too.",
    "linear: the dense network. Others: its Monarch form, sqrt(n) blocks, 4096-wide layers padded to squares.",
    "Digital operators and attention: one compiled layer of each kind, times its number, at the paper's contexts.",
    "Leakage: mostly 1 W for each digital and attention unit, as IBM's 3D-CiM simulator has it.",
)
SPEEDUP_ASSUMPTIONS = (
    "The chip 3dsim-256: settling and time a bit are fitted to both factors at 8 ADCs, the rest is IBM's simulator.",
    "ADCs of 8 bits (linear), 5 (sparsemap, spread) and 3 (densemap), as the paper says; conversions clip.",
    "Stages one after the other, permutations folded into what arrays read; from scheduled programs of some layers.",
)
CLAIMED_SAVINGS = {"sparsemap": 0.50, "densemap": 0.87}
"""Arrays saved against linear, as the paper says."""

_NAMES = {
    ("dense", "linear", "arrays"): "linear",
    ("monarch", "sparsemap", "arrays"): "sparsemap",
    ("monarch", "densemap", "arrays"): "densemap",
    ("monarch", "spread", "arrays"): "spread",
    ("monarch", "spread", "latency"): "spread for latency",
    ("dense", "spread", "latency"): "dense, spread for latency",
}
_PARTS = {
    "parameter": ACCENT,
    "digital": "#7aa6c2",
    "attention": "#b7a6cf",
    "buffers, keys and values": SECOND,
    "leakage": RULE,
}
_COMPONENTS = {
    "adc": ACCENT,
    "dac": SECOND,
    "cells": "#2db27d",
    "shift_add": "#7aa6c2",
    "transfer": "#b7a6cf",
    "add": MUTED,
}
_WIDTH, _HEIGHT, _SCALE = 240, 190, 2


def write_figures(
    folder: Path,
    counts: Sequence[Count],
    latencies: Sequence[Latency],
    totals: Sequence[Total],
    speedups: Sequence[Speedup],
) -> list[Path]:
    """Writes pictures and what they assume, `assumptions.txt`."""
    charts = {
        "arrays": _arrays(counts),
        "latency": _latency(totals),
        "energy": _energy(totals),
        "adcs": _adcs(latencies),
        "speedups": _speedups(speedups),
    }
    written: list[Path] = []
    for name, chart in charts.items():
        file = folder / f"{name}.png"
        with whole_file(file, UserError) as new:
            new.write_bytes(vl_convert.vegalite_to_png(_styled(chart), scale=_SCALE))
        written.append(file)
    text = folder / "assumptions.txt"
    with whole_file(text, UserError) as new:
        new.write_text("\n".join([*ASSUMPTIONS, "", "speedups.png:", *SPEEDUP_ASSUMPTIONS]) + "\n")
    return [*written, text]


def variant(row: Latency | Total) -> str:
    """What a form, mapping and objective are called in the figures."""
    return _NAMES[row.form, row.mapping, row.objective]


def _arrays(counts: Sequence[Count]) -> Chart:
    linear = {row.network: row.arrays for row in counts if row.mapping == "linear"}
    rows: list[Row] = []
    for row in counts:
        text = f"{row.arrays}, {100 * row.utilization:.1f} % full"
        rows.append({"network": row.network, "what": row.mapping, "value": row.arrays, "note": text, "part": "arrays"})
    claimed = [
        _claim(network, mapping, arrays * (1 - saved))
        for network, arrays in linear.items()
        for mapping, saved in CLAIMED_SAVINGS.items()
    ]
    title = "Arrays of 256x256 and how full they are"
    claim = (
        "ticks: the paper's 50 % and 87 % fewer than linear; it reports 73 % fewer for densemap than for sparsemap, "
        "and 78.8 % utilisation for densemap, on average"
    )
    return _bars(rows, claimed, title, claim, "arrays", {"arrays": ACCENT})


def _latency(totals: Sequence[Total]) -> Chart:
    rows = [
        _part(row, part, value)
        for row in totals
        for part, value in (("parameter", row.parameter_us), ("digital", row.digital_us))
    ]
    claimed = list(_claims([(row, row.parameter_us) for row in totals], REPORTED))
    title = "Latency of one decoded token"
    claim = "ticks: linear's parameter multiplications, divided by the paper's factors, 1.59 and 1.73"
    return _bars(rows, claimed, title, claim, "us", {k: _PARTS[k] for k in ("parameter", "digital")})


def _energy(totals: Sequence[Total]) -> Chart:
    dynamic = [_part(row, part, value) for row in totals for part, value in row.components_uj.items()]
    everything = [
        _part(row, part, value)
        for row in totals
        for part, value in zip(
            _PARTS, (row.parameter_uj, row.digital_uj, row.attention_uj, row.memories_uj, row.leakage_uj), strict=True
        )
        if value
    ]
    claimed = list(_claims([(row, row.parameter_uj) for row in totals], REPORTED_ENERGY))
    claim = "ticks: linear's energy, divided by the paper's factor, 1.74"
    upper = _bars(
        dynamic, claimed, "Dynamic energy of the parameter multiplications of one token", claim, "uJ", _COMPONENTS
    )
    colors = {part: color for part, color in _PARTS.items() if any(row["part"] == part for row in everything)}
    lower = _bars(
        everything, [], "All energy of one token", "digital operators, attention and leakage too", "uJ", colors
    )
    resolve = alt.Resolve(scale=alt.ScaleResolveMap(color="independent"))
    return alt.VConcatChart(vconcat=[upper, lower], spacing=30, resolve=resolve)


def _adcs(latencies: Sequence[Latency]) -> Chart:
    rows: list[Row] = [
        {"network": row.network, "what": variant(row), "adcs": row.adcs, "value": row.lossless_us} for row in latencies
    ]
    names = list(_NAMES.values())
    colors = [MUTED, SECOND, "#8a5a9e", ACCENT, "#21918c", "#a0a8b0"]
    chart = (
        alt.Chart()
        .mark_line(point=True)
        .encode(
            x=alt.X("adcs:O", title="ADCs a crossbar"),
            y=alt.Y("value:Q", title="us", scale=alt.Scale(type="log")),
            color=alt.Color("what:N", scale=alt.Scale(domain=names, range=colors), legend=alt.Legend(title=None)),
        )
        .properties(width=_WIDTH, height=1.4 * _HEIGHT)
    )
    title = _title("Parameter multiplications of one decoded token, by number of ADCs", "lossless row groups and bits")
    return _by_network(chart, rows, title)


def _speedups(speedups: Sequence[Speedup]) -> Chart:
    """How many times less time than linear, by ADCs; the paper's factors as dashed lines of the same colour."""
    linear = {row.adcs: row.serial_us for row in speedups if row.mapping == "linear"}
    factor = {(row.mapping, row.adcs): linear[row.adcs] / row.serial_us for row in speedups}
    rows: list[Row] = []
    for (mapping, adcs), times in factor.items():
        rows.append({"network": speedups[0].network, "what": mapping, "adcs": adcs, "value": times})
        if mapping in REPORTED:
            rows.append({"network": speedups[0].network, "what": mapping, "adcs": adcs, "claimed": REPORTED[mapping]})
    names = list(dict.fromkeys(row.mapping for row in speedups))
    scale = alt.Scale(domain=names, range=[MUTED, SECOND, "#8a5a9e", ACCENT])
    color = alt.Color("what:N", scale=scale, legend=alt.Legend(title=None))
    place = alt.X("adcs:O", title="ADCs a crossbar")
    ours = (
        alt.Chart()
        .mark_line(point=True)
        .encode(x=place, y=alt.Y("value:Q", title="times less than linear"), color=color)
    )
    paper = alt.Chart().mark_line(strokeDash=[4, 4]).encode(x=place, y="claimed:Q", color=color)
    parts = [ours.transform_filter("isValid(datum.value)"), paper.transform_filter("isValid(datum.claimed)")]
    layers = alt.LayerChart(layer=parts, width=2 * _WIDTH, height=1.4 * _HEIGHT)
    title = alt.TitleParams(
        "Latency of the parameter multiplications of one decoded token, under the paper's assumptions",
        subtitle=["dashed: what the paper reports, without the number of ADCs", *SPEEDUP_ASSUMPTIONS],
        subtitleColor=MUTED,
        subtitleFontSize=9,
        anchor="start",
    )
    return _by_network(layers, rows, title)


def _claims(linear_of: Sequence[tuple[Total, float]], reported: Mapping[str, float]) -> Iterator[Row]:
    """Ticks at linear's value divided by the factor that the paper reports for each mapping."""
    for row, value in linear_of:
        if row.mapping == "linear":
            yield from (_claim(row.network, name, value / factor) for name, factor in reported.items())


def _claim(network: str, name: str, value: float) -> Row:
    return {"network": network, "what": name, "claimed": value}


def _part(row: Total, part: str, value: float) -> Row:
    return {"network": row.network, "what": variant(row), "part": part, "value": value}


def _bars(
    rows: list[Row], claimed: list[Row], title: str, claim: str, unit: str, colors: dict[str, str]
) -> alt.FacetChart:
    """Stacked bars for each network and variant, ticks for what is claimed."""
    order = list(_NAMES.values())
    color = alt.Color(
        "part:N",
        scale=alt.Scale(domain=list(colors), range=list(colors.values())),
        legend=alt.Legend(title=None) if len(colors) > 1 else None,
    )
    place = alt.Y("what:N", sort=order, title=None)
    bars = alt.Chart().mark_bar(size=20).encode(x=alt.X("value:Q", title=unit), y=place, color=color)
    ticks = alt.Chart().mark_tick(color=INK, thickness=1.5, size=26).encode(x="claimed:Q", y=place)
    texts = alt.Chart().mark_text(align="left", dx=4, fontSize=10, color=INK).encode(x="end:Q", y=place, text="text:N")
    marks = ((bars, "value"), (ticks, "claimed"), (texts, "text"))
    parts = [layer.transform_filter(f"isValid(datum.{key})") for layer, key in marks]
    layers = alt.LayerChart(layer=parts, width=_WIDTH, height=_HEIGHT)
    values = [*rows, *claimed, *_ends(rows)]
    return _by_network(layers, values, _title(title, claim, assumptions=bool(claimed)))


def _ends(rows: Sequence[Row]) -> Iterator[Row]:
    """What stands at the end of each bar: its text, or the sum of its parts."""
    sums: dict[tuple[str, str], float] = {}
    for row in rows:
        key = (str(row["network"]), str(row["what"]))
        sums[key] = sums.get(key, 0.0) + float(row["value"])
    texts = {(str(row["network"]), str(row["what"])): str(row["note"]) for row in rows if "note" in row}
    for (network, bar), end in sums.items():
        text = texts.get((network, bar), f"{end:,.0f}" if end >= 100 else f"{end:.1f}")
        yield {"network": network, "what": bar, "end": end, "text": text}


def _by_network(chart: alt.Chart | alt.LayerChart, rows: Sequence[Row], title: alt.TitleParams) -> alt.FacetChart:
    """The chart once for each network, beside each other."""
    networks = list(dict.fromkeys(str(row["network"]) for row in rows))
    column = {"field": "network", "type": "nominal", "title": None, "sort": networks}
    return alt.FacetChart(spec=chart, facet={"column": column}, data=alt.InlineData(values=list(rows)), title=title)


def _title(title: str, subtitle: str, assumptions: bool = True) -> alt.TitleParams:
    """A title with what the marks mean, and under the first one of a picture what is assumed."""
    return alt.TitleParams(
        title,
        subtitle=[subtitle, *(ASSUMPTIONS if assumptions else ())],
        subtitleColor=MUTED,
        subtitleFontSize=9,
        anchor="start",
    )


def _styled(chart: Chart) -> dict[str, Any]:
    return {**chart.to_dict(), "config": {"background": "#ffffff", "view": {"stroke": None}, "padding": 12}}
