"""Reports as text: the summary, energy by component, layers."""

from dataclasses import replace

import pytest

from cimc.program.arrays.conversions import MayClip
from cimc.program.distance import PROGRAM, Distance
from cimc.program.program import Program
from cimc.report.report import Report, report_of
from cimc.report.texts.text import component_table, layer_lines, layer_table, statistics_lines, summary_lines


@pytest.fixture
def report(handmade: Program) -> Report:
    """The report of the handmade program with figures made up, so that the text can be told in advance."""
    energies = {
        "adc": 1500.0, "dac": 250.0, "cells": 250.0, "shift_add": None, "transfer": 0.0, "add": 0.0,
        "digital": 2000.0, "attention": 0.0, "leakage": 5e9,
    }  # fmt: skip
    found = {"tokens": 7, "fill_ns": 1.0, "interval_ns": 20.0, "busiest": "arrays", "latency_ns": 121.0}
    found |= {"load_ns": 16.0, "proved": True, "interval_over_load": 1.25}
    return replace(
        report_of(handmade),
        adc_model="table: numbers of the chip file",
        latency_ns={"parameter": 1234.0, "digital": 66.0, "total": 1300.0},
        energy_pj={"parameter": 2000.0, "digital": 2000.0, "total": None},
        energy_components_pj=energies,
        area_um2=1.234e6,
        area_components_um2={"cells": 10.0, "adc": None},
        prefill={"parameter": {**found, "latency_ns": 100.0}, "total": found},
        conditions={"dims": {"n": 1}},
        notes=("something is not known",),
    )


def test_the_summary_tells_what_is_total_and_what_is_parameter_only(report: Report) -> None:
    lines = list(summary_lines(report))
    assert lines[-7:] == [
        "latency       1.3 us a token: parameter 1.23 us, digital operators 66 ns",
        "energy        unknown a token: parameter 2 nJ, digital operators 2 nJ, leakage 5 mJ",
        "area          1.23 mm2, of 2 arrays and all digital and attention units",
        "prefill       7 tokens in 121 ns, one every 20 ns (arrays, 1.25 times its load); parameter 100 ns",
        "assumed       ADC model table; digital operators for n = 1",
        "constants     digital constants of the chip file, buffers and key/value memory not counted",
        "note          something is not known",
    ]


def test_crossbars_and_formats(report: Report, mixed: Program) -> None:
    lines = list(summary_lines(report))
    assert "arrays        2 of 4 crossbars (linear mapping; no mapping needs fewer than 1)" in lines
    assert not any(line.startswith(("crossbars", "format", "inputs")) for line in lines)
    lines = list(summary_lines(report_of(mixed)))
    start = next(i for i, line in enumerate(lines) if line.startswith("arrays"))
    assert lines[start : start + 6] == [
        "arrays        6 (linear mapping; no mapping needs fewer than 5)",
        "crossbars     20 (no mapping needs fewer than 16)",
        "format        8-bit offset: 2 arrays of 4 crossbars, 24 weights",
        "format        4-bit offset, centred: 2 arrays of 2 crossbars, 24 weights",
        "format        3-bit differential: 2 arrays of 4 crossbars, 12 weights",
        "utilisation   60.0 % of the cells, 60 weights stored",
    ]
    assert "inputs        5 bits in 1, 8 bits in 2 multiplications" in lines


def test_what_weights_were_quantised_to(report: Report) -> None:
    (layer,) = report.layers
    notes = {"weight_bits": 4.0, "weight_group": 128.0, "quantisation_error": 0.05, "largest_scale_error": 0.0712}
    notes |= {"rounded_output_error": 0.01, "nearest_output_error": 0.02}
    other = {"weight_bits": 3.0, "quantisation_error": 0.125, "largest_scale_error": 0.25}
    lines = list(
        summary_lines(replace(report, layers=(replace(layer, notes=notes), replace(layer, notes=other), layer)))
    )
    assert "quantised     weights of 3 bits in 1, 4 bits in 1 layers, a scale for 128 rows" in lines
    assert "quantised     relative error of weights 0.050 to 0.125 (0.071 to 0.250 with scales of the largest)" in lines
    assert "rounded       relative error of outputs 0.010 to 0.010 (0.020 to 0.020 with nearest integers)" in lines
    assert not any(line.startswith(("quantised", "rounded")) for line in summary_lines(report))


def test_without_digital_operators_the_prefill_is_of_the_parameters(report: Report) -> None:
    estimate = {**(report.prefill["parameter"] or {}), "proved": False}
    alone = replace(report, prefill={"parameter": estimate, "total": None}, adc_model=None, notes=())
    lines = list(summary_lines(alone))
    assert "prefill       7 tokens in 100 ns, one every 20 ns (arrays, an estimate); parameter 100 ns" in lines
    assert lines[-2] == "assumed       ADC model none; digital operators for n = 1"
    nothing = replace(alone, prefill={"parameter": None, "total": None})
    assert not any(line.startswith("prefill") for line in summary_lines(nothing))


LOSSY = MayClip(2, 4, 1000, 192000, 1, 3)
MEASURED = Distance(False, 0.5, 2.0, "y", "y", ran=PROGRAM, clipping={0: (3, 4), 1: (0, 8)})


def test_what_may_clip_and_what_was_measured(report: Report) -> None:
    (layer,) = report.layers
    layers = (replace(layer, conversions_that_may_clip=1000), replace(layer, node="/other"))
    stages = (replace(report.stage_costs[0], stage=0, nodes=("/fc", "/a", "/b", "/c")),)
    clipping = replace(report, may_clip=LOSSY, layers=layers, stage_costs=stages, notes=())
    lines = list(summary_lines(clipping))
    assert "may clip      2 of 4 row groups, 1,000 of 192,000 conversions a token, in 1 of 3 layers (/fc)" in lines
    assert lines[-1] == "program       not measured, and it may clip: what it computes may be far from its reference"
    lines = list(summary_lines(replace(clipping, measured=MEASURED)))
    assert "clipped       3 of 12 conversions (25 %), most in stage 0 (75 %): /fc, /a, /b and 1 more" in lines
    distance = "cosine 0.500000, largest difference 2 from the original (output 'y'); inputs made up"
    assert lines[-1] == f"program       {distance}"
    failed = Distance(False, failure="took longer than 1 s", ran=PROGRAM)
    assert list(summary_lines(clipping, failed))[-1] == "program       not measured: took longer than 1 s"


def test_what_cannot_clip_is_said_to_be_its_network(report: Report) -> None:
    lines = list(summary_lines(replace(report, measured=Distance(True, inputs="x.npz"))))
    assert lines[-1] == "network       identical to the original, bit for bit; inputs of x.npz"
    assert not any("clip" in line for line in lines)


def test_energy_and_area_by_component(report: Report) -> None:
    known = replace(report, energy_components_pj={**report.energy_components_pj, "shift_add": 0.0})
    assert component_table(known).lines() == [
        "component  energy a token  of dynamic     area",
        "adc                1.5 nJ      37.5 %  unknown",
        "dac                250 pJ       6.2 %",
        "cells              250 pJ       6.2 %   10 um2",
        "shift add            0 pJ       0.0 %",
        "transfer             0 pJ       0.0 %",
        "add                  0 pJ       0.0 %",
        "digital              2 nJ      50.0 %",
        "attention            0 pJ       0.0 %",
        "leakage              5 mJ",
    ]


def test_no_shares_of_what_is_not_known(report: Report) -> None:
    lines = component_table(report).lines()
    assert lines[1:5] == [
        "adc                1.5 nJ              unknown",
        "dac                250 pJ",
        "cells              250 pJ               10 um2",
        "shift add         unknown",
    ]


def test_layers(report: Report) -> None:
    (layer,) = report.layers
    head, row = layer_lines([replace(layer, node="/fc\nmore", latency_ns=1234.5, energy_pj=2.5)])
    assert head.split() == [
        "shape", "kind", "tiles", "arrays", "ADC", "bits", "conversions", "stage", "latency", "energy", "node",
    ]  # fmt: skip
    assert row.split() == ["4x3", "dense", "2", "1", "4", "192", "0", "1.23", "us", "2.5", "pJ", "/fc", "more"]


def test_layers_of_several_formats(mixed: Program) -> None:
    table = layer_table(report_of(mixed).layers)
    shown = [dict(zip(table.head, row, strict=True)) for row in table.rows]
    assert [(row["node"], row["crossbars"], row["bits"], row["encoding"]) for row in shown] == [
        ("first", "4", "4", "offset, centred"),
        ("again", "4", "4", "offset, centred"),
        ("last", "16", "8", "differential, offset"),
    ]
    fitted = table.fitted(80)
    assert "bits" in fitted.head[-1].split()
    assert max(map(len, fitted.rows)) <= 80


def test_statistics() -> None:
    lines = statistics_lines([("tile-blocks", 0.0125, 0.0004, {"cim.digital": 3, "array.multiply": 12})])
    assert lines == [
        "pass           ms  checks ms  operations after it",
        "tile-blocks  12.5        0.4  12 array.multiply, 3 cim.digital",
    ]


def test_how_far_it_is_from_the_lower_bound(report: Report) -> None:
    changed = replace(report, latency_ns={**report.latency_ns, "parameter": 3000.0}, latency_lower_bound_ns=2000.0)
    line = f"least         2 us for these row groups on {report.arrays} arrays, however they lie: "
    line += "parameter is 1.50 times that"
    assert line in summary_lines(changed)
    assert not any(text.startswith("least") for text in summary_lines(replace(report, latency_lower_bound_ns=None)))


def test_what_overlaps_has_a_line_where_there_is_some(report: Report) -> None:
    line = "overlap       3 ns, in which digital operators run beside arrays"
    lines = list(summary_lines(replace(report, overlap_ns=3.0)))
    assert lines[lines.index(line) - 1].split()[0] in ("latency", "least")
    assert not any(text.startswith("overlap") for text in summary_lines(replace(report, overlap_ns=0.0)))
