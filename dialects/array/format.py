"""In which format a weight stands in arrays, as an attribute."""

from xdsl.ir import Data
from xdsl.irdl import IRDLOperation, irdl_attr_definition
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    ParsingState,
    PrintingState,
    irdl_custom_directive,
)
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.chip.formats import CellFormat, Format


@irdl_attr_definition
class FormatAttr(Data[CellFormat]):
    """Bits and encoding of a weight in arrays: `#array.format<4, "offset">`, `#array.format<8, "offset", centred>`."""

    name = "array.format"

    @classmethod
    def of(cls, bits: int, encoding: str, centred: bool = False) -> "FormatAttr":
        return FormatAttr(CellFormat(Format(bits, encoding), centred))

    def verify(self) -> None:
        fault = self.data.fault
        if fault is not None:
            raise VerifyException(fault)

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> CellFormat:
        start = parser.pos
        with parser.in_angle_brackets():
            bits = parser.parse_integer(allow_boolean=False)
            parser.parse_punctuation(",")
            encoding = parser.parse_str_literal(" that is an encoding")
            centred = parser.parse_optional_punctuation(",") is not None
            if centred:
                parser.parse_keyword("centred")
        return _checked(parser, CellFormat(Format(bits, encoding), centred), start)

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{self.data.format.bits}, ")
            printer.print_string_literal(self.data.format.encoding)
            printer.print_string(", centred" if self.data.centred else "")


def _checked(parser: AttrParser, cells: CellFormat, start: int) -> CellFormat:
    """The same; an error at what was parsed if it is no format."""
    if cells.fault is not None:
        parser.raise_error(cells.fault, start, parser.pos)
    return cells


@irdl_custom_directive
class InFormat(CustomDirective):
    """`in 4 bits "offset" centred`: how a multiplication says the format of its weight, if it has one."""

    format: AttributeVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        if parser.parse_optional_keyword("in") is None:
            return
        start = parser.pos
        bits = parser.parse_integer(allow_boolean=False)
        parser.parse_keyword("bits")
        encoding = parser.parse_str_literal(" that is an encoding")
        cells = CellFormat(Format(bits, encoding), parser.parse_optional_keyword("centred") is not None)
        self.format.set(state, FormatAttr(_checked(parser, cells, start)))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        attribute = self.format.get(op)
        if not isinstance(attribute, FormatAttr):
            return
        state.print_whitespace(printer)
        printer.print_string(f"in {attribute.data.format.bits} bits ")
        printer.print_string_literal(attribute.data.format.encoding)
        printer.print_string(" centred" if attribute.data.centred else "")
        state.last_was_punctuation = False
        state.should_emit_space = True
