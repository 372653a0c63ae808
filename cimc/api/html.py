"""Programs and reports as a notebook shows them: a small table, and the map of the chip below it."""

from collections.abc import Iterable, Mapping
from html import escape

from cimc.program.program import Program
from cimc.report.chip_map import svg_of

Rows = Mapping[str, str]
"""What stands in a table: a name and a text in each row."""


def shown_as_html(title: str, rows: Rows, program: Program) -> str:
    """A table of `rows` below a title, and the map of the program's arrays."""
    return f"<div>{_heading(title)}{_table(rows)}{_picture(program)}</div>"


def brief_list(parts: Iterable[str], most: int = 3) -> str:
    """The first of some texts, and how many there are besides."""
    texts = list(parts)
    left = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {left} more" if left > 0 else "") or "none"


def _heading(title: str) -> str:
    return f"<p><b>{escape(title)}</b></p>"


def _table(rows: Rows) -> str:
    left = 'style="text-align:left"'
    cells = (f"<tr><th {left}>{escape(name)}</th><td {left}>{escape(text)}</td></tr>" for name, text in rows.items())
    return f"<table>{''.join(cells)}</table>"


def _picture(program: Program) -> str:
    picture, drawn = svg_of(program)
    left = f"<p>The first {drawn:,} of {len(program.arrays):,} arrays.</p>" if drawn < len(program.arrays) else ""
    return picture + left
