"""Tables of integers as attributes: many rows in one packed attribute, hashed as fast as a text.

What a table is called, and what its columns are, says the language that uses it.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from xdsl.ir import Data
from xdsl.parser import AttrParser
from xdsl.printer import Printer

Table = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PackedTable:
    """Rows of equally many int64 numbers in one `bytes`: hashed and compared as fast as a text."""

    columns: int
    data: bytes

    @staticmethod
    def of(rows: npt.NDArray[Any]) -> "PackedTable":
        return PackedTable(rows.shape[1], np.ascontiguousarray(rows, np.int64).tobytes())

    @property
    def array(self) -> Table:
        return np.frombuffer(self.data, np.int64).reshape(-1, self.columns)


class TableData(Data[PackedTable]):
    """A table of integers, `<[[0, 0, 256, 256], [0, 256, 256, 128]]>`: what attributes of tables have in common."""

    @classmethod
    def of(cls, rows: npt.NDArray[Any]) -> Self:
        return cls(PackedTable.of(rows))

    @property
    def array(self) -> Table:
        """int64 [rows, columns], read-only."""
        return self.data.array

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> PackedTable:
        with parser.in_angle_brackets():
            return _parse_rows(parser)

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(str(self.array.tolist()))


def parsed_range(parser: AttrParser, word: str) -> tuple[int, int]:
    """First and count of `word FIRST to LAST`."""
    parser.parse_keyword(word)
    first = parser.parse_integer(allow_boolean=False)
    parser.parse_keyword("to")
    return first, parser.parse_integer(allow_boolean=False) - first + 1


def range_text(word: str, first: int, count: int) -> str:
    """`word FIRST to LAST`: a range as one says it, its last number included."""
    return f"{word} {first} to {first + count - 1}"


def _parse_rows(parser: AttrParser) -> PackedTable:
    def row() -> list[int]:
        return parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: parser.parse_integer(allow_boolean=False)
        )

    rows = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, row)
    if not rows or len({len(r) for r in rows}) != 1:
        parser.raise_error("expected a table of at least one row, all rows equally long")
    return PackedTable.of(np.array(rows, np.int64))
