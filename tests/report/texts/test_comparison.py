"""Programs side by side as text: figures with ratios, components, layers by node."""

from dataclasses import replace

import pytest

from cimc.program.program import Program
from cimc.report.study import Study, studies_of
from cimc.report.texts.comparison import comparison_tables, subject_lines
from cimc.report.texts.table import Table


@pytest.fixture
def studies(study: Study) -> list[Study]:
    """Three layers in linear mapping, and a program with half the arrays, and one layer in common with it."""
    fewer = study.report.layers[:2]
    other = replace(
        study.report,
        mapping="spread",
        arrays=study.report.arrays // 2,
        layers=(fewer[0], replace(fewer[1], node="new")),
        latency_ns={**study.report.latency_ns, "total": None},
        energy_components_pj={**study.report.energy_components_pj, "adc": 0.0},
        notes=("something is not known",),
    )
    return [study, replace(study, label="other", report=other)]


def cells(table: Table, column: str) -> list[str]:
    return [row[list(table.head).index(column)] for row in table.rows]


def test_figures_beside_each_other(studies: list[Study]) -> None:
    figures = next(iter(comparison_tables(studies)))
    assert figures.head == ("figure", "p", "other", "ratio")
    by_title = {row[0]: row[1:] for row in figures.rows}
    arrays = studies[0].report.arrays
    assert by_title["arrays"] == (str(arrays), str(arrays // 2), "0.5x")
    known = by_title["latency a token, with digital operators"]
    assert known[0] != "unknown"
    assert known[1:] == ("unknown", "")


def test_components_beside_each_other(studies: list[Study]) -> None:
    _, components, _ = comparison_tables(studies)
    assert components.head == ("component", "energy p", "energy other", "area p", "area other")
    adc = cells(components, "component").index("adc")
    assert cells(components, "energy other")[adc] == "0 pJ" != cells(components, "energy p")[adc]
    assert cells(components, "area other") == cells(components, "area p")


def test_layers_meet_by_their_node(studies: list[Study]) -> None:
    """A layer that a program does not have leaves its cells empty."""
    *_, layers = comparison_tables(studies)
    assert cells(layers, "node") == ["first", "again", "last", "new"]
    assert [bool(cell) for cell in cells(layers, "latency p")] == [True, True, True, False]
    assert [bool(cell) for cell in cells(layers, "latency other")] == [True, False, False, True]
    assert cells(layers, "kind p")[:3] == ["dense"] * 3


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_width_of_a_terminal(studies: list[Study], width: int) -> None:
    for table in comparison_tables(studies):
        fitted = table.fitted(width)
        assert max(map(len, (*fitted.head, *fitted.rows))) <= width


def test_what_is_compared(studies: list[Study]) -> None:
    reckoned = "  constants: digital constants of the chip file, buffers and key/value memory not counted"
    lines = list(subject_lines(studies))
    of = [line for line in lines if line.startswith("  of ")]
    assert {line[:16] for line in of} >= {"  of parameter  "}
    assert all(line.endswith(": invented") for line in of)
    assert [line for line in lines if line not in of] == [
        "p: network.onnx on tiny-4, arrays of 4x4, linear mapping; for n = 1",
        "  coverage: 100 % of 84 constant-weight multiply-accumulates on arrays",
        "  structure: 3 dense",
        reckoned,
        "other: network.onnx on tiny-4, arrays of 4x4, spread mapping; for n = 1",
        "  coverage: 100 % of 84 constant-weight multiply-accumulates on arrays",
        "  structure: 3 dense",
        reckoned,
        "  note: something is not known",
    ]


def test_three_programs(study: Study) -> None:
    figures, *_ = comparison_tables(studies_of({name: study.program for name in ("a.cim", "b.cim", "c.cim")}))
    assert figures.head == ("figure", "a", "b", "ratio", "c", "ratio")
    assert all(row[3] == row[5] for row in figures.rows)


def test_formats_are_compared_where_there_are_some(studies: list[Study], study: Study, mixed: Program) -> None:
    assert not any(title.startswith("format") for title in list(comparison_tables(studies))[-1].head)
    figures, _, layers = comparison_tables([study, *studies_of({"mixed.cim": mixed})])
    assert cells(layers, "format p") == ["8-bit offset"] * 3
    assert cells(layers, "format mixed") == ["4-bit offset, centred"] * 2 + ["8-bit differential, offset"]
    assert cells(layers, "crossbars mixed") == ["4", "4", "16"]
    assert {row[0]: row[1:] for row in figures.rows}["crossbars"] == ("24", "20", "0.833x")
