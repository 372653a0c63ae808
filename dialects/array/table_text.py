"""How tables of arrays are written: a line for each row, with names for its numbers, so that one can read it aloud."""

from collections.abc import Iterator

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, StringAttr, i64
from xdsl.ir import Attribute, Operation
from xdsl.irdl import IRDLOperation
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    ParsingState,
    PrintingState,
    irdl_custom_directive,
)
from xdsl.parser import Parser
from xdsl.printer import Printer

from dialects.array.tables import TableAttr, copy_of_tiles
from dialects.attributes.tables import parsed_range, range_text

Row = list[int]


def _number(parser: Parser) -> int:
    return parser.parse_integer(allow_boolean=False)


def _after(parser: Parser, *words: str) -> int:
    """The number after these words."""
    for word in words:
        parser.parse_keyword(word)
    return _number(parser)


def _rows_of(table: Attribute | None) -> list[Row]:
    return table.array.tolist() if isinstance(table, TableAttr) else []


def _table(rows: list[Row]) -> TableAttr | None:
    return TableAttr.of(np.array(rows, np.int64)) if rows else None


def _print_lines(printer: Printer, lines: Iterator[str]) -> None:
    """Lines in braces, one level further in than the operation."""
    printer.print_string("{")
    with printer.indented():
        for line in lines:
            printer.print_string("\n" + line)
    printer.print_string("\n}")


@irdl_custom_directive
class Tables(CustomDirective):
    """How many copies a weight has, and the tables of a multiplication: tiles with their places, groups, additions.

    Where there are copies, tiles and additions say of which they are.
    """

    copies: AttributeVariable
    tiles: AttributeVariable
    places: AttributeVariable
    groups: AttributeVariable
    adds: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        tiles, places, groups, adds = list[Row](), list[Row](), list[Row](), list[Row]()
        if parser.parse_optional_keyword("copies") is not None:
            self.copies.set(state, IntegerAttr(_number(parser), i64))
        copies, begin = list[int](), parser.pos
        parser.parse_punctuation("{")
        while parser.parse_optional_keyword("tile") is not None:
            start = parser.pos
            number = _number(parser)
            if number != len(tiles):
                parser.raise_error(f"tile {number}: expected tile {len(tiles)}, in order", start, parser.pos)
            copies.append(_copy(parser))
            tiles.append(_parsed_tile(parser))
            if parser.parse_optional_keyword("in") is not None:
                places.append([_after(parser, "array"), *_place(parser)])
            if places and len(places) != len(tiles):
                parser.raise_error(
                    f"expected a place for all tiles or for none, tile {number} differs", start, parser.pos
                )
        if not tiles:
            parser.raise_error("expected a tile, like `tile 0: rows 0 to 3, columns 0 to 3`")
        if any(copies) and copies != copy_of_tiles(np.array(tiles, np.int64)).tolist():
            order = "expected one copy after the other, the tiles of each by first row, then first column"
            parser.raise_error(f"tiles of copies are not in order: {order}", begin, parser.pos)
        while parser.parse_optional_keyword("convert") is not None:
            groups.append(_parsed_group(parser))
        while parser.parse_optional_keyword("add") is not None:
            first, count = parsed_range(parser, "columns")
            copy = _copy(parser)
            adds.append([first, count, _after(parser, "on", "unit"), _time(parser), copy])
        parser.parse_punctuation("}", " after a tile, a conversion or an addition")
        for variable, rows in zip((self.tiles, self.places, self.groups, self.adds), (tiles, places, groups, adds)):
            if (table := _table(rows)) is not None:
                variable.set(state, table)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        state.print_whitespace(printer)
        copies = self.copies.get(op)
        if isinstance(copies, IntegerAttr):
            printer.print_string(f"copies {copies.value.data} ")
        _print_lines(printer, self._lines(op))
        state.last_was_punctuation = False
        state.should_emit_space = True

    def _lines(self, op: IRDLOperation) -> Iterator[str]:
        tiles, places, groups, adds = (
            _rows_of(variable.get(op)) for variable in (self.tiles, self.places, self.groups, self.adds)
        )
        copied = self.copies.get(op) is not None
        copies = copy_of_tiles(np.array(tiles, np.int64).reshape(-1, 4)).tolist()
        for number, (row, column, rows, columns) in enumerate(tiles):
            of = f" of copy {copies[number]}" if copied else ""
            line = f"tile {number}{of}: {range_text('rows', row, rows)}, {range_text('columns', column, columns)}"
            if number < len(places):
                line += " in array {} at row {}, column {}".format(*places[number])
            yield line
        for tile, row, rows, bits, shift, bound, start in groups:
            dropping = f" dropping {shift}" if shift else ""
            yield (
                f"convert {range_text('rows', row, rows)} of tile {tile} to {bits} bits{dropping} "
                f"at {start} ps, sums up to {bound}"
            )
        for first, columns, unit, start, copy in adds:
            of = f" of copy {copy}" if copied or copy else ""
            yield f"add {range_text('columns', first, columns)}{of} on unit {unit} at {start} ps"


def _parsed_tile(parser: Parser) -> Row:
    parser.parse_punctuation(":")
    row, rows = parsed_range(parser, "rows")
    parser.parse_punctuation(",")
    column, columns = parsed_range(parser, "columns")
    return [row, column, rows, columns]


def _copy(parser: Parser) -> int:
    """The number of a copy; 0 where nothing is said."""
    if parser.parse_optional_keyword("of") is None:
        return 0
    return _after(parser, "copy")


def _place(parser: Parser) -> tuple[int, int]:
    row = _after(parser, "at", "row")
    parser.parse_punctuation(",")
    return row, _after(parser, "column")


def _parsed_group(parser: Parser) -> Row:
    row, rows = parsed_range(parser, "rows")
    tile, bits = _after(parser, "of", "tile"), _after(parser, "to")
    parser.parse_keyword("bits")
    shift = _number(parser) if parser.parse_optional_keyword("dropping") is not None else 0
    start = _time(parser)
    parser.parse_punctuation(",")
    return [tile, row, rows, bits, shift, _after(parser, "sums", "up", "to"), start]


def _time(parser: Parser, word: str = "at") -> int:
    """Picoseconds after a word."""
    time = _after(parser, word)
    parser.parse_keyword("ps")
    return time


@irdl_custom_directive
class Work(CustomDirective):
    """The table of a kernel: which unit works on which of its operators, and when."""

    work: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        if parser.parse_optional_keyword("work") is None:
            return
        parser.parse_punctuation("{")
        rows = list[Row]()
        while parser.parse_optional_keyword("operator") is not None:
            rows.append([_number(parser), _after(parser, "on", "unit"), _time(parser), _time(parser, "for")])
        parser.parse_punctuation("}", " after work, like `operator 0 on unit 0 at 0 ps for 1000 ps`")
        table = _table(rows)
        if table is not None:
            self.work.set(state, table)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        rows = _rows_of(self.work.get(op))
        if not rows:
            return
        state.print_whitespace(printer)
        printer.print_string("work ")
        operators = [inner for inner in op.regions[0].block.ops if inner.name == "cim.digital"]
        _print_lines(
            printer,
            (
                f"operator {number} on unit {unit} at {start} ps for {time} ps{_remark(operators, number)}"
                for number, unit, start, time in rows
            ),
        )
        state.last_was_punctuation = False
        state.should_emit_space = True


def _remark(operators: list[Operation], number: int) -> str:
    """A comment with the name of an operator, which nobody reads but people."""
    name = operators[number].properties.get("op_type") if number < len(operators) else None
    return f"  // {name.data}" if isinstance(name, StringAttr) and name.data.isidentifier() else ""
