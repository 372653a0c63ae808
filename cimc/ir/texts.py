"""Modules as text for people: what xDSL's printer writes, in sections, with names for long attributes and types."""

import re
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from itertools import islice

from xdsl.dialects.builtin import ModuleOp, TensorType, UnknownLoc
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, BlockArgument, Operation, Region, SSAValue
from xdsl.printer import Printer
from xdsl.utils.hints import isa

from cimc.ir.layout import folded, wrapped
from dialects import array
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, NoneOp, PermuteOp, ReadOp, WeightOp
from dialects.history import PASSES
from dialects.type_names import name_of_type

NAMES = {
    "hardware.chip": "#chip",
    "hardware.sources": "#chip_sources",
    PASSES: "#passes",
    "cim.weights": "#weights",
    "cim.layer_notes": "#layer_notes",
}
"""What attributes of modules are called; each is written once, at the head of the text."""
LONG = 16
"""A module of more operations has headings and names of types; one of fewer is seen at a glance."""
OFTEN = 4
"""Types that a long text would write so many times get a name."""
_NAME_OR_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|!\w+')
"""A name of a type, or a text in quotes, in which there is none."""


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


@dataclass(frozen=True)
class IrText:
    """A module as text: its head, which says what names stand for, and the module itself."""

    names: dict[str, str]
    body: str

    def __str__(self) -> str:
        head = [wrapped(f"{name} = {text}") for name, text in self.names.items()]
        return "\n".join([*head, self.body])

    def is_as(self, other: "IrText | None") -> bool:
        """Whether both are the same network, whatever passes brought it there."""
        return other is not None and self.body == other.body and self._network() == other._network()

    def _network(self) -> dict[str, str]:
        return {name: text for name, text in self.names.items() if name != NAMES[PASSES]}


@dataclass
class IrTexts:
    """Texts of modules that have much in common: each attribute, and each form of operation, is written once."""

    locations: bool = True
    """Whether operations are written with their places in the ONNX file."""
    generic: bool = False
    """Whether operations are written in MLIR's generic form."""
    _written: dict[int, tuple[Attribute, str]] = field(default_factory=dict[int, tuple[Attribute, str]])
    _types: dict[str, str] = field(default_factory=dict[str, str])
    _forms: _Forms = field(default_factory=_Forms)

    def text_of(self, module: ModuleOp) -> str:
        """The module as text that parses back."""
        return str(self.parts_of(module))

    def parts_of(self, module: ModuleOp) -> IrText:
        """The module as text that parses back, and can be compared."""
        printer = _Printer(
            StringIO(),
            print_debuginfo=self.locations,
            print_generic_format=self.generic,
            module=module,
            written=self._written,
            types=self._types,
            forms=self._forms,
            is_long=sum(1 for _ in islice(module.walk(), LONG + 2)) > LONG + 1,
        )
        printer.print_op(module)
        body = "".join(printer.parts) + "\n"
        counts = Counter(name for name in _NAME_OR_TEXT.findall(body) if name in self._types)
        often = {name for name, count in counts.items() if count >= OFTEN and printer.is_long}
        names = {name: printer.names[name] for name in NAMES.values() if name in printer.names}
        names |= {name: self._types[name] for name in sorted(often)}
        return IrText(names, _NAME_OR_TEXT.sub(partial(self._type, often), body))

    def _type(self, often: Container[str], part: re.Match[str]) -> str:
        """What stands for a part of a text: types that are not written often stand for themselves."""
        return part[0] if part[0] in often else self._types.get(part[0], part[0])


def text_of(module: ModuleOp, *, locations: bool = True) -> str:
    """The module as text that parses back."""
    return IrTexts(locations).text_of(module)


_PLAIN = re.compile(rb"[\x20\x21\x23-\x5b\x5d-\x7e]*")
"""Bytes that stand in a literal as they are."""


@dataclass(eq=False, repr=False)
class _Printer(Printer):
    """Keeps parts of text in a list, and the text of each attribute by its identity; it knows no columns."""

    module: ModuleOp = field(kw_only=True)
    written: dict[int, tuple[Attribute, str]] = field(kw_only=True)
    types: dict[str, str] = field(kw_only=True)
    """What the names of types stand for."""
    forms: _Forms = field(kw_only=True)
    names: dict[str, str] = field(default_factory=dict[str, str], kw_only=True)
    """What the names of the module's attributes stand for."""
    parts: list[str] = field(default_factory=list[str], kw_only=True)
    is_long: bool = field(kw_only=True)
    _section: type[Operation] | None = None
    _function: tuple[Region, int] | None = None
    """The body of the function that is being written, and the first part of its text."""
    _places: list[tuple[int, SSAValue]] = field(default_factory=list[tuple[int, SSAValue]])
    """The parts that are names of values."""

    def print_string(self, text: str, *, indent: int | None = None) -> None:
        if "\n" in text:
            text = text.replace("\n", self._new_line(indent))
        self.parts.append(text)

    def _print_new_line(self, indent: int | None = None, print_message: bool = True) -> None:
        self.parts.append(self._new_line(indent))

    def _new_line(self, indent: int | None) -> str:
        return "\n" + " " * ((self._indent if indent is None else indent) * self.indent_num_spaces)

    def print_op(self, op: Operation) -> None:
        if self.is_long and op.parent_op() is self.module and isinstance(op, WeightOp | FuncOp):
            self._begin_section(op)
        if isinstance(op, FuncOp) and op.body.blocks:
            self._function = op.body, len(self.parts)
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

    def _begin_section(self, op: WeightOp | FuncOp) -> None:
        """Weights have a heading, and so has the code that follows them."""
        before, self._section = self._section, type(op)
        if before is type(op) or (before is None and isinstance(op, FuncOp)):
            return
        if before is not None:
            self.parts.insert(-1, "\n")
        if isinstance(op, WeightOp):
            count = sum(isinstance(other, WeightOp) for other in self.module.body.block.ops)
            self.print_string(f"// weights: {count}")
        else:
            count = sum(1 for _ in op.body.walk())
            self.print_string(f"// code: {count} operations")
        self._print_new_line()

    def print_region(
        self,
        region: Region,
        print_entry_block_args: bool = True,
        print_empty_block: bool = True,
        print_block_terminators: bool = True,
    ) -> None:
        if self._function is not None and self._function[0] is region:
            first, self._function = self._function[1], None
            self.parts[first:] = [folded("".join(self.parts[first:]), self._new_line(None))]
        super().print_region(region, print_entry_block_args, print_empty_block, print_block_terminators)

    def print_block_argument(self, arg: BlockArgument, print_type: bool = True) -> None:
        with_locations, self.print_debuginfo = self.print_debuginfo, False
        super().print_block_argument(arg, print_type)
        self.print_debuginfo = with_locations
        if with_locations and print_type and not isinstance(arg.location, UnknownLoc):
            self.print_string(" ")
            self.print_attribute(arg.location)

    def _print_attr_string(self, attr_tuple: tuple[str, Attribute]) -> None:
        key, attribute = attr_tuple
        if key in NAMES and self.module.attributes.get(key) is attribute:
            name = NAMES[key]
            if name not in self.names:
                first = len(self.parts)
                self.print_attribute(attribute)
                self.names[name] = "".join(self.parts[first:])
                del self.parts[first:]
            self.print_string(f"{key} = {name}")
        else:
            super()._print_attr_string(attr_tuple)

    def print_attribute(self, attribute: Attribute) -> None:
        known = self.written.get(id(attribute))
        if known is not None:
            self.parts.append(known[1])
            return
        first = len(self.parts)
        super().print_attribute(attribute)
        text = "".join(self.parts[first:])
        if isa(attribute, TensorType) and (name := name_of_type(attribute)) is not None:
            self.types[name], text = text, name
        self.parts[first:] = [text]
        if "\n" not in text:  # more lines depend on where they stand
            self.written[id(attribute)] = attribute, text

    def print_bytes_literal(self, bytestring: bytes) -> None:
        if _PLAIN.fullmatch(bytestring):
            self.parts.append(f'"{bytestring.decode("ascii")}"')
        else:
            super().print_bytes_literal(bytestring)
