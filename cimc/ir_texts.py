"""Modules as text: what xDSL's printer writes, but faster."""

import re
from dataclasses import dataclass, field
from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.printer import Printer

from dialects import array
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, NoneOp, PermuteOp, ReadOp, WeightOp

_DECLARED = frozenset({WeightOp, ConstantOp, ReadOp, NoneOp, MatmulOp, PermuteOp, DigitalOp, array.MultiplyOp})
"""Operations whose texts are made of their own types, properties and attributes and of the names of their values."""


@dataclass(frozen=True)
class _Form:
    """What operations have in common that are written alike but for their values: text, and where the values stand."""

    pieces: tuple[tuple[str, int], ...]
    """Text, and the number of the value after it among results and operands."""
    last: str
    parts: tuple[object, ...]
    """What it was made of, kept so that no other object has its identity."""


_Forms = dict[tuple[int | type[Operation], ...], _Form]


@dataclass
class IrTexts:
    """Texts of modules that have much in common: each attribute, and each form of operation, is written once."""

    locations: bool = True
    """Whether operations are written with their places in the ONNX file."""
    _written: dict[int, tuple[Attribute, str]] = field(default_factory=dict[int, tuple[Attribute, str]])
    _forms: _Forms = field(default_factory=_Forms)

    def text_of(self, module: ModuleOp) -> str:
        """The module as text that parses back."""
        printer = _Printer(StringIO(), print_debuginfo=self.locations, written=self._written, forms=self._forms)
        printer.print_op(module)
        return "".join(printer.parts) + "\n"


_PLAIN = re.compile(rb"[\x20\x21\x23-\x5b\x5d-\x7e]*")
"""Bytes that stand in a literal as they are."""


@dataclass(eq=False, repr=False)
class _Printer(Printer):
    """Keeps parts of text in a list, and the text of each attribute by its identity; it knows no columns."""

    written: dict[int, tuple[Attribute, str]] = field(default_factory=dict[int, tuple[Attribute, str]], kw_only=True)
    forms: _Forms = field(default_factory=_Forms, kw_only=True)
    parts: list[str] = field(default_factory=list[str], kw_only=True)
    _places: list[tuple[int, SSAValue]] = field(default_factory=list[tuple[int, SSAValue]])
    """The parts that are names of values."""

    def print_op(self, op: Operation) -> None:
        if type(op) not in _DECLARED or op.regions:
            super().print_op(op)
            return
        values = [*op.results, *op.operands]
        parts = [value.type for value in values], op.properties, op.attributes
        known = (*parts[0], *parts[1], *parts[1].values(), *parts[2], *parts[2].values())
        key = (type(op), len(op.results), len(op.properties), *map(id, known))
        form = self.forms.get(key)
        if form is None:
            self._print_new_form(op, values, key, known)
        else:
            for text, number in form.pieces:
                self.parts.append(text)
                super().print_ssa_value(values[number])
            self.parts.append(form.last)
        if self.print_debuginfo:
            self.parts.append(" ")
            self.print_attribute(op.location)

    def _print_new_form(
        self, op: Operation, values: list[SSAValue], key: tuple[int | type[Operation], ...], parts: tuple[object, ...]
    ) -> None:
        """Print an operation without its location, and remember its form, if it can be told where each value stands."""
        first, located, self.print_debuginfo = len(self.parts), self.print_debuginfo, False
        self._places.clear()
        super().print_op(op)
        self.print_debuginfo = located
        written = self.parts[first:]
        if len(set(values)) < len(values) or any("\n" in part for part in written):
            return
        numbers, pieces, begin = {value: number for number, value in enumerate(values)}, list[tuple[str, int]](), 0
        for place, value in self._places:
            pieces.append(("".join(written[begin : place - first]), numbers[value]))
            begin = place - first + 1
        self.forms[key] = _Form(tuple(pieces), "".join(written[begin:]), parts)

    def print_ssa_value(self, value: SSAValue) -> str:
        self._places.append((len(self.parts), value))
        return super().print_ssa_value(value)

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
