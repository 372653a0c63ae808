"""What is more than half of a total is named with the source of its numbers, for every chip and set."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import shorten

import numpy as np
import pytest

from cimc.compiler import Options, compile_network
from cimc.hardware.digital_sets import digital_set_names
from cimc.hardware.library import chip_names, load_chip
from cimc.report.key_figures import shown_figures
from cimc.report.largest_parts import AREA, DIGITAL, LEAKAGE, PARAMETER, TOTAL, LargestPart, largest_parts, said_parts
from cimc.report.page.cautions import made_of
from cimc.report.report import Report, report_of
from cimc.report.study import Study
from cimc.report.texts.text import summary_lines

SOURCES = {"vector_pj": "a meter", "digital_unit_leakage_uw": "a simulator, 1 W each", "cell_um2": "a ruler"}
ENERGY = {"adc": 3.0, "cells": 1.0, "digital": 10.0, "attention": 2.0, "leakage": 84.0}
POWER = {"arrays": 1.0, "digital": 4.0}
NETWORKS = {
    "one product": "g (float[n,8] x) => (float[n,8] y) { y = MatMul(x, w) }",
    "a function": "g (float[n,8] x) => (float[n,8] y) { h = MatMul(x, w)  y = Softmax(h) }",
    "attention": "g (float[n,8] x) => (float[n,n] y) { h = MatMul(x, w)  t = Transpose(h)  y = MatMul(x, t) }",
}


def test_leakage_is_said_with_what_leaks_most() -> None:
    parts = largest_parts(ENERGY, POWER, {"cells": 1.0, "adc": 1.0}, SOURCES)
    share = 0.84 * 0.8
    source = "a simulator, 1 W each"
    assert parts[TOTAL] == LargestPart("leakage", 0.84, "digital", share, "digital_unit_leakage_uw", source)
    assert parts[TOTAL].text == "leakage 84 %, digital units alone 67 %: a simulator, 1 W each"
    assert parts[PARAMETER].text == "ADCs 75 %: no source given for adc_model"
    assert parts[DIGITAL].text == "digital units 83 %: a meter"
    assert (parts[LEAKAGE].component, parts[LEAKAGE].share) == ("digital", 0.8)
    assert [total for total, _ in said_parts(parts)] == [TOTAL, PARAMETER, DIGITAL]


def test_half_is_not_more_than_half() -> None:
    assert AREA not in largest_parts(ENERGY, POWER, {"cells": 1.0, "adc": 1.0}, SOURCES)
    area = largest_parts(ENERGY, POWER, {"cells": 1.0, "adc": 0.9}, SOURCES)[AREA]
    assert area.text == "cells 53 %: a ruler"


def test_leakage_of_its_own_is_said_where_it_is_not_most_of_the_energy() -> None:
    parts = largest_parts({**ENERGY, "leakage": 1.0}, POWER, {}, SOURCES)
    assert parts[TOTAL].component == "digital"
    assert [total for total, _ in said_parts(parts)] == [TOTAL, PARAMETER, DIGITAL, LEAKAGE]


def test_what_is_not_known_or_nothing_has_no_largest_part() -> None:
    assert largest_parts({"adc": None, "digital": None, "leakage": 1.0}, {"adc": None, "digital": 3.0}, {}, {}) == {}
    assert largest_parts({"adc": 0.0, "digital": 0.0, "attention": 0.0}, {}, {"cells": 0.0}, {}) == {}


def test_adcs_of_a_table_have_its_source() -> None:
    parts = largest_parts({"adc": 1.0}, {}, {"adc": 1.0}, {"adc_table_pj": "measured", "adc_table_um2": "drawn"})
    assert (parts[PARAMETER].source, parts[AREA].source) == ("measured", "drawn")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("digital", [None, *digital_set_names()])
@pytest.mark.parametrize("chip", chip_names())
def test_no_component_above_half_of_a_total_without_its_source(
    chip: str, digital: str | None, network: str, onnx_file: Callable[..., Path]
) -> None:
    weight = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    lossy = 8 if chip == "3dsim-256" else 0  # whose cells and planes of 8 bits no ADC can tell
    options = Options(chip=chip, digital=digital, lossy=lossy, measure=False)
    program = compile_network(onnx_file(NETWORKS[network], {"w": weight}), options).program
    report = report_of(program)
    assert report.digital_set == (digital or load_chip(chip).digital_set)
    expected = list(above_half(report))
    assert expected  # a network so small is mostly one thing
    lines = "\n".join(summary_lines(report))
    study = Study("p", program, report, None)
    beside = {figure.figure.path for figure in shown_figures(report.to_json())} & report.largest_parts.keys()
    sentences = "\n".join(made_of(study))
    for total, component, share in expected:
        part = report.largest_parts[total]
        assert (part.component, part.share) == (component, pytest.approx(share))
        assert part.source
        assert part.source in (*report.sources.values(), report.adc_model)
        whole = report.largest_parts.get(TOTAL)
        said = whole if total == LEAKAGE and whole is not None and whole.component == "leakage" else part
        assert shorten(said.text, 86, placeholder=" ...") in lines
        assert said.text in sentences
        assert total in beside or total in (DIGITAL, LEAKAGE)


def above_half(report: Report) -> list[tuple[str, str, float]]:
    """Totals with the component that is more than half of them, reckoned from the report's own components."""
    energy = {name: value or 0 for name, value in report.energy_components_pj.items()}
    apart = ("digital", "attention", "buffer", "memory", "leakage")
    sums = {
        TOTAL: energy,
        PARAMETER: {name: value for name, value in energy.items() if name not in apart},
        DIGITAL: {name: energy[name] for name in apart[:2]},
        LEAKAGE: {name: value or 0 for name, value in report.leakage_uw.items()},
        AREA: {name: value or 0 for name, value in report.area_components_um2.items()},
    }
    return [
        (total, name, value / sum(parts.values()))
        for total, parts in sums.items()
        for name, value in parts.items()
        if value > sum(parts.values()) / 2
    ]


def test_a_chip_that_gives_no_sources_is_said_to_give_none(onnx_file: Callable[..., Path]) -> None:
    weight = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    program = compile_network(onnx_file(NETWORKS["one product"], {"w": weight}), Options(measure=False)).program
    report = report_of(replace(program, notes={}))
    assert "of area       digital units 79 %: no source given for digital_unit_um2" in list(summary_lines(report))
