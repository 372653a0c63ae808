"""Modules as text: what xDSL's printer writes, but faster."""

import re
from dataclasses import dataclass, field
from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute
from xdsl.printer import Printer


@dataclass
class IrTexts:
    """Texts of modules that have attributes in common: each attribute is written once and remembered."""

    locations: bool = True
    """Whether operations are written with their places in the ONNX file."""
    _written: dict[int, tuple[Attribute, str]] = field(default_factory=dict[int, tuple[Attribute, str]])

    def text_of(self, module: ModuleOp) -> str:
        """The module as text that parses back."""
        printer = _Printer(StringIO(), print_debuginfo=self.locations, written=self._written)
        printer.print_op(module)
        return "".join(printer.parts) + "\n"


_PLAIN = re.compile(rb"[\x20\x21\x23-\x5b\x5d-\x7e]*")
"""Bytes that stand in a literal as they are."""


@dataclass(eq=False, repr=False)
class _Printer(Printer):
    """Keeps parts of text in a list, and the text of each attribute by its identity; it knows no columns."""

    written: dict[int, tuple[Attribute, str]] = field(default_factory=dict[int, tuple[Attribute, str]], kw_only=True)
    parts: list[str] = field(default_factory=list[str], kw_only=True)

    def print_string(self, text: str, *, indent: int | None = None) -> None:
        if "\n" in text:
            text = text.replace("\n", self._new_line(indent))
        self.parts.append(text)

    def _print_new_line(self, indent: int | None = None, print_message: bool = True) -> None:
        self.parts.append(self._new_line(indent))

    def _new_line(self, indent: int | None) -> str:
        return "\n" + " " * ((self._indent if indent is None else indent) * self.indent_num_spaces)

    def print_attribute(self, attribute: Attribute) -> None:
        known = self.written.get(id(attribute))
        if known is not None:
            self.parts.append(known[1])
            return
        first = len(self.parts)
        super().print_attribute(attribute)
        text = "".join(self.parts[first:])
        self.parts[first:] = [text]
        if "\n" not in text:  # more lines depend on where they stand
            self.written[id(attribute)] = attribute, text

    def print_bytes_literal(self, bytestring: bytes) -> None:
        if _PLAIN.fullmatch(bytestring):
            self.parts.append(f'"{bytestring.decode("ascii")}"')
        else:
            super().print_bytes_literal(bytestring)
