"""Tables: aligned and never folded in a pipe, a rich table on a terminal."""

import re
import sys

import pytest

from cimc.report.table import Table, aligned, print_table

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


def test_a_rich_table_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Names in brackets are no markup, and long ones are folded to the terminal's width."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    print_table(Table(("name", "figure", "node"), [("[bold]a", "1,000", "x" * 100)], "lrl"))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= 60
    assert "[bold]a" in lines[2]
    assert sum(line.count("x") for line in lines) == 100
