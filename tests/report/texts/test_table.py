"""Tables: aligned and never folded in a pipe, fitted to a terminal."""

import re
import sys

import pytest

from cimc.report.texts.table import Table, aligned, print_table, shortened

ROWS = [("a", "1,000", "x" * 200), ("bcdef", "5", "")]


def test_aligned() -> None:
    assert aligned([("name", "figure", "node"), *ROWS], "lrl") == [
        "name   figure  node",
        f"a       1,000  {'x' * 200}",
        "bcdef       5",
    ]


def test_plain_lines_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(("name", "figure", "node"), ROWS, "lrl")
    print_table(table)
    assert capsys.readouterr().out.splitlines() == table.lines()


def test_a_table_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as wide as the terminal at most, and names in brackets are no markup."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    print_table(Table(("name", "figure", "node"), [("[bold]a", "1,000", "x" * 100)], "lrl", name="node"))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert lines == ["name     figure  node", f"[bold]a   1,000  {'x' * 13}...{'x' * 27}"]


LAYERS = [
    ("512x2048", "65,536", "4.36 us", "blocks.0.attention.query/MatMul"),
    ("2048x512", "16,384", "2.79 us", "blocks.1.attention.query/MatMul"),
    ("512x512", "16,384", "17 us", "head"),
]
TABLE = Table(
    ("shape", "conversions made", "latency", "node"), LAYERS, "rrrl", name="node", spare=("conversions made",)
)


def test_a_table_that_is_wide_enough() -> None:
    fitted = TABLE.fitted(200)
    assert [*fitted.head, *fitted.rows] == TABLE.lines()
    assert fitted.left_out == []


@pytest.mark.parametrize("width", range(36, 80))
def test_figures_are_never_cut(width: int) -> None:
    """Names are, and stay apart; a column that is left out is named."""
    fitted = TABLE.fitted(width)
    assert max(map(len, (*fitted.head, *fitted.rows))) <= width
    for row, cells in zip(fitted.rows, LAYERS, strict=True):
        assert {cells[0], *cells[2].split()} <= set(row.split())
        assert (cells[1] in row.split()) == (not fitted.left_out)
    assert fitted.left_out in ([], ["conversions made"])
    assert len({row.split()[-1] for row in fitted.rows}) == 3


def test_what_gives_way_first() -> None:
    """A title is broken, blanks are saved, a column is left out; names come last."""
    assert TABLE.fitted(59).head == ["   shape  conversions made  latency  node"]
    assert TABLE.fitted(56).head == ["          conversions", "   shape         made  latency  node"]
    assert TABLE.fitted(50).head == ["         conversions", "   shape        made latency node"]
    assert TABLE.fitted(48).head == ["   shape  latency  node"]
    assert TABLE.fitted(48).rows[0] == "512x2048  4.36 us  blocks.0...ntion.query/MatMul"
    assert TABLE.fitted(10).rows[0] == "512x2048 4.36 us b...l"


def test_titles_are_names_of_programs(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(("figure", "latency of_a_program_with_a_long_name"), [("a", "1")], "lr", name="figure")
    assert table.fitted(20).head == ["             latency", "figure  of_...g_name"]


def test_shortened_names_stay_apart() -> None:
    assert shortened(["a", "bcd"], 3) == ["a", "bcd"]
    layers = [f"layer.{number}.weight" for number in range(10, 13)]
    assert shortened(layers, 11) == ["layer.10...", "layer.11...", "layer.12..."]
    assert shortened(layers, 14) == ["lay...0.weight", "lay...1.weight", "lay...2.weight"]


def test_an_empty_table() -> None:
    assert Table(("name", "figure"), [], "lr", name="name").fitted(40).head == ["name  figure"]
