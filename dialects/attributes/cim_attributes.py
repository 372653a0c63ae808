"""Attributes of the `cim` dialect: where weights' bytes are, what their integers stand for, what stays serialized."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from xdsl.dialects.builtin import ArrayAttr, FlatSymbolRefAttr, NoneType, StringAttr, SymbolRefAttr
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from dialects.cim_types import QuotedAttr
from dialects.texts import escaped, unescaped
from dialects.weights import store_of


@irdl_attr_definition
class DataAttr(ParametrizedAttribute):
    """An array of the weight store: `#cim.data<"key", "digest">`."""

    name = "cim.data"
    key: StringAttr
    digest: StringAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            key = parser.parse_str_literal()
            parser.parse_punctuation(",")
            return StringAttr(key), StringAttr(parser.parse_str_literal())

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.key.data)
            printer.print_string(", ")
            printer.print_string_literal(self.digest.data)


@irdl_attr_definition
class WeightFilesAttr(ParametrizedAttribute):
    """The files with the arrays that `#cim.data` names, beside that of the IR: `#cim.weight_files<"a.safetensors">`.

    Whoever reads the text finds them by it, whatever the tool: they are mapped when an array is asked for.
    """

    name = "cim.weight_files"
    files: ArrayAttr[StringAttr]

    @staticmethod
    def of(names: Iterable[str]) -> "WeightFilesAttr":
        return WeightFilesAttr(ArrayAttr([StringAttr(escaped(name)) for name in names]))

    @property
    def names(self) -> list[str]:
        """The names of the files, without a folder."""
        return [unescaped(name.data) for name in self.files]

    def verify(self) -> None:
        for name in self.names:
            if name in ("", ".", "..") or "/" in name or "\\" in name:
                raise VerifyException(f"file of weights {name!r}: expected the name of a file beside the IR")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        files = ArrayAttr(
            parser.parse_comma_separated_list(parser.Delimiter.ANGLE, lambda: StringAttr(parser.parse_str_literal()))
        )
        names = WeightFilesAttr(files).names
        store, folder = store_of(parser.ctx), Path(parser.lexer.input.name).parent
        for name in names:
            store.attach_later(folder / name)
        return (files,)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_list(self.files, lambda name: printer.print_string_literal(name.data))


@irdl_attr_definition
class ProtoAttr(QuotedAttr):
    """A setting of an ONNX node that the IR has no words for: `#cim.proto<"base64 of the AttributeProto">`."""

    name = "cim.proto"
    text: StringAttr


@irdl_attr_definition
class AffineAttr(ParametrizedAttribute):
    """What the integers of a weight stand for: `(w - zero_point) * scale`, both per output column.

    `#cim.affine<@scale>` or `#cim.affine<@scale, @zero_point>`; the symbols name weights of shape [out], the scale
    in the network's float type, the zero point int32 (0 where it is absent).
    """

    name = "cim.affine"
    scale: FlatSymbolRefAttr
    zero_point: FlatSymbolRefAttr | NoneType

    @staticmethod
    def of(scale: str, zero_point: str | None = None) -> "AffineAttr":
        """Scale and zero point under these symbols."""
        return AffineAttr(SymbolRefAttr(scale), NoneType() if zero_point is None else SymbolRefAttr(zero_point))

    @property
    def scale_symbol(self) -> str:
        return self.scale.root_reference.data

    @property
    def zero_point_symbol(self) -> str | None:
        return None if isinstance(self.zero_point, NoneType) else self.zero_point.root_reference.data

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            scale = SymbolRefAttr(parser.parse_symbol_name())
            if parser.parse_optional_punctuation(",") is None:
                return scale, NoneType()
            return scale, SymbolRefAttr(parser.parse_symbol_name())

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_symbol_name(self.scale_symbol)
            if self.zero_point_symbol is not None:
                printer.print_string(", ")
                printer.print_symbol_name(self.zero_point_symbol)
