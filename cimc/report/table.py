"""Tables of text: in colour on a terminal, plain lines in a pipe or a file."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from cimc.program.one_line import one_line


@dataclass(frozen=True)
class Table:
    """A head and rows of cells; `sides` has `l` or `r` for each column."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    sides: str

    def lines(self) -> list[str]:
        """One line a row, nothing is ever folded."""
        return aligned([self.head, *(list(map(one_line, row)) for row in self.rows)], self.sides)


def print_table(table: Table) -> None:
    """Print to standard output: a rich table on a terminal, plain lines otherwise."""
    if not sys.stdout.isatty():
        print(*table.lines(), sep="\n")
        return
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    rich = RichTable(header_style="bold", show_edge=False, pad_edge=False)
    for title, side in zip(table.head, table.sides, strict=True):
        rich.add_column(Text(title), justify="right" if side == "r" else "left", overflow="fold")
    for row in table.rows:
        rich.add_row(*(Text(one_line(cell)) for cell in row))
    Console().print(rich)


def aligned(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Rows as lines with columns two blanks apart, each aligned to its side, `l` or `r`; nothing is ever folded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if side == "r" else cell.ljust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        ).rstrip()
        for row in rows
    ]
