"""Reports as a notebook has them."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cimc
from cimc.report.report import report_of
from cimc.report.texts.layers_csv import COLUMNS, write_layers
from cimc.report.texts.text import summary_lines

Write = Callable[..., Path]


@pytest.fixture
def program(onnx_file: Write) -> cimc.Program:
    w = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    file = onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w)  z = MatMul(x, w) }", {"w": w})
    return cimc.compile(file, chip="tiny-4")


def test_the_figures_are_those_of_the_commands(program: cimc.Program) -> None:
    report = program.report()
    assert report.to_json() == report_of(program).to_json()
    assert str(report).splitlines() == list(summary_lines(report_of(program)))
    assert report.program is program
    longer = program.report(cimc.Conditions(dims={"n": 2}))
    assert longer.conditions["dims"] == {"n": 2}


def test_rows_are_those_of_the_csv(program: cimc.Program) -> None:
    report, file = program.report(), io.StringIO()
    write_layers([("p", report)], file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert [["p", *("" if cell is None else str(cell) for cell in row.values())] for row in report.rows()] == [
        list(row.values()) for row in rows
    ]
    assert [list(row) for row in report.rows()] == [list(COLUMNS[1:])] * len(program.multiplications)


def test_what_is_shown(program: cimc.Program) -> None:
    report = program.report()
    assert repr(report).startswith("<cimc.Report: 2 arrays of tiny-4, ")
    assert repr(report).endswith(" a token>")
    page = getattr(report, "_repr_html_")()
    assert "<b>network.onnx on tiny-4</b>" in page
    assert "latency a token, arrays alone" in page
    assert "<svg" in page
