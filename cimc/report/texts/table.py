"""Tables of text: fitted to the width of a terminal, whole lines in a pipe or a file."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from cimc.program.one_line import one_line

LEGIBLE = 20
"""Letters of a name that columns make room for."""
LONGEST_WORD = 12
"""Letters of a word in a title, where cells are narrower; names of programs are titles, too."""
CUT = "..."


@dataclass(frozen=True)
class Table:
    """A head and rows of cells; `sides` has `l` or `r` for each column.

    On a narrow terminal the cells of the column `name` are shortened in their middle, and the columns `spare` are left
    out, one after the other, until names are legible; nothing else is ever cut.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    sides: str
    name: str = ""
    spare: Sequence[str] = ()

    def lines(self) -> list[str]:
        """One line a row, however wide; nothing is ever cut or left out."""
        return aligned([self.head, *(list(map(one_line, row)) for row in self.rows)], self.sides)

    def fitted(self, width: int) -> "Fitted":
        """The table in lines of at most `width` letters, as far as its figures allow."""
        columns = [list(map(one_line, column)) for column in zip(*self.rows, strict=True)] or [[] for _ in self.head]
        layout = self._layout(columns, width)
        if self.name:
            columns[self._flexible] = shortened(columns[self._flexible], layout.room)
        titles = [_broken(self.head[i], layout.widths[i]) for i in layout.shown]
        height = max(map(len, titles))
        head = [[""] * (height - len(title)) + title for title in titles]
        rows = [*zip(*head, strict=True), *zip(*(columns[i] for i in layout.shown), strict=True)]
        lines = aligned(rows, "".join(self.sides[i] for i in layout.shown), layout.gap)
        left_out = [title for i, title in enumerate(self.head) if i not in layout.shown]
        return Fitted(lines[:height], lines[height:], left_out)

    @property
    def _flexible(self) -> int:
        return self.head.index(self.name) if self.name else -1

    def _layout(self, columns: Sequence[Sequence[str]], width: int) -> "_Layout":
        """The first that leaves room for names: with titles broken, a smaller gap, columns left out."""
        whole = [max(map(len, (title, *cells))) for title, cells in zip(self.head, columns, strict=True)]
        broken = [_narrowest(title, cells) for title, cells in zip(self.head, columns, strict=True)]
        legible = min(LEGIBLE, whole[self._flexible]) if self.name else 0
        shown, spare = list(range(len(whole))), [self.head.index(title) for title in self.spare]
        while True:
            for widths, gap in ((whole, 2), (broken, 2), (broken, 1)):
                taken = sum(widths[i] for i in shown if i != self._flexible) + gap * (len(shown) - 1)
                if width - taken >= legible:
                    return _Layout(shown, widths, gap, width - taken)
            if not spare:
                return _Layout(shown, broken, 1, max(width - taken, len(CUT) + 2))
            shown = [i for i in shown if i != spare[0]]
            del spare[0]


@dataclass(frozen=True)
class _Layout:
    """The columns to show, the widths of all columns, the blanks between them, and what is left for a name."""

    shown: Sequence[int]
    widths: Sequence[int]
    gap: int
    room: int


@dataclass(frozen=True)
class Fitted:
    """Lines of a table: those of its head, those of its rows, and the titles of columns that found no room."""

    head: Sequence[str]
    rows: Sequence[str]
    left_out: Sequence[str]


def print_table(table: Table) -> None:
    """Print to standard output: fitted to a terminal and with a head in bold, plain lines otherwise."""
    if not sys.stdout.isatty():
        print(*table.lines(), sep="\n")
        return
    from rich.console import Console
    from rich.text import Text

    console = Console()
    fitted = table.fitted(console.width)
    for text in chain((Text(line, style="bold") for line in fitted.head), map(Text, fitted.rows)):
        console.print(text, soft_wrap=True)
    if fitted.left_out:
        print(f"without {', '.join(fitted.left_out)}, which a wider terminal or a pipe shows")


def aligned(rows: Sequence[Sequence[str]], sides: str, gap: int = 2) -> list[str]:
    """Rows as lines with columns `gap` blanks apart, each aligned to its side, `l` or `r`; nothing is ever folded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        (" " * gap)
        .join(
            cell.rjust(width) if side == "r" else cell.ljust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        )
        .rstrip()
        for row in rows
    ]


def shortened(names: Sequence[str], width: int) -> list[str]:
    """The names in at most `width` letters, with their middle cut out where it tells fewest of them apart.

    Among equal places, the end keeps twice as much as the beginning: that is where most names differ.
    """
    if all(len(name) <= width for name in names):
        return list(names)
    kept = width - len(CUT)
    begins = sorted(range(1, kept + 1), key=lambda begin: abs(begin - kept // 3)) or [0]
    choices = [[_cut(name, width, begin) for name in names] for begin in begins]
    return max(choices, key=lambda choice: len(set(choice)))


def _cut(name: str, width: int, begin: int) -> str:
    """The first letters of the name, as many as `begin`, and its last ones."""
    if len(name) <= width:
        return name
    return name[:begin] + CUT + name[len(name) - (width - len(CUT) - begin) :]


def _narrowest(title: str, cells: Sequence[str]) -> int:
    """The width of a column whose title may be broken between words, and shortened where these are long."""
    words = (min(len(word), LONGEST_WORD) for word in title.split())
    return max(chain(words, map(len, cells)), default=0)


def _broken(title: str, width: int) -> list[str]:
    """The lines of a title in so many letters."""
    lines = [""]
    for word in (shortened([word], width)[0] for word in title.split()):
        if len(lines[-1]) + len(word) < width or not lines[-1]:
            lines[-1] = f"{lines[-1]} {word}".strip()
        else:
            lines.append(word)
    return lines
