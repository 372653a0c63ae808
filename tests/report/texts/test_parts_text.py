"""Lines about what totals are made of, and with which constants they were reckoned."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cimc.compiler import Compilation
from cimc.report.largest_parts import AREA, TOTAL, LargestPart
from cimc.report.report import Report, report_of
from cimc.report.texts.parts_text import constants_text, parts_lines


@pytest.fixture
def report(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> Report:
    return report_of(compiled(onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }")).program)


def test_lines_of_some_totals(report: Report) -> None:
    parts = {
        TOTAL: LargestPart("leakage", 0.8, "digital", 0.6, "digital_unit_leakage_uw", "one\nline"),
        AREA: LargestPart("adc", 0.75, None, None, "adc_model", None),
    }
    own = replace(report, largest_parts=parts)
    assert list(parts_lines(own, AREA)) == ["of area       ADCs 75 %: no source given for adc_model"]
    (line,) = parts_lines(own, TOTAL)
    assert line.startswith("of energy     leakage 80 %, digital units alone 60 %: one")
    assert "\n" not in line
    long = replace(report, largest_parts={AREA: replace(parts[AREA], source="a long source " * 20)})
    (line,) = parts_lines(long, AREA)
    assert line.endswith(" source a ...")
    assert len(line) <= 100


def test_constants(report: Report) -> None:
    assert constants_text(report) == "digital constants of the chip file, buffers and key/value memory not counted"
    counted = replace(report, digital_set="mine", energy_components_pj={"buffer": 1.0})
    assert constants_text(counted) == "digital set mine, key/value memory not counted"
    both = replace(counted, energy_components_pj={"buffer": 1.0, "memory": 1.0})
    assert constants_text(both) == "digital set mine"
