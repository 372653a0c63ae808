"""The CSV of layers: its columns are those that docs/report.md describes."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

from cimc.program.program import Program
from cimc.report.report import report_of
from cimc.report.texts.layers_csv import COLUMNS, write_layers

PAGE = Path(__file__).parents[3] / "docs" / "report.md"


def test_a_row_for_each_layer_of_each_program(handmade: Program) -> None:
    report = report_of(handmade)
    known = replace(report, layers=(replace(report.layers[0], node='a "b", c', energy_pj=2.5),))
    file = io.StringIO()
    write_layers([("one", report), ("two", known)], file)
    first, second = csv.DictReader(io.StringIO(file.getvalue()))
    assert (first["program"], first["node"], first["rows"], first["columns"]) == ("one", "/fc", "4", "3")
    assert (first["energy_pj"], first["energy_adc_pj"], first["latency_ns"]) == ("", "", "3.0")
    assert (first["crossbars"], first["bits"], first["encoding"], first["centred"], first["input_bits"]) == (
        "4", "8", "offset", "0", "8",
    )  # fmt: skip
    assert (second["node"], second["energy_pj"], second["conversions"]) == ('a "b", c', "2.5", "192")


def test_every_column_is_described() -> None:
    table = PAGE.read_text().split("## CSV")[1]
    described = [
        name for line in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", line)
    ]
    assert described == list(COLUMNS)
