"""Types of the `cim` dialect: element types and values of ONNX that builtin IR has no type for."""

from collections.abc import Sequence

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer


class QuotedAttr(ParametrizedAttribute):
    """An attribute or type that is nothing but a text in quotes."""

    name = "cim.quoted"
    text: StringAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return (StringAttr(parser.parse_str_literal()),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string_literal(self.text.data)


@irdl_attr_definition
class ElementType(QuotedAttr, TypeAttribute):
    """An element type under ONNX's name: `tensor<?x!cim.element<"string">>`; `"undefined"` if unknown."""

    name = "cim.element"
    text: StringAttr

    @staticmethod
    def of(name: str) -> "ElementType":
        return ElementType(StringAttr(name))


@irdl_attr_definition
class ValueType(QuotedAttr, TypeAttribute):
    """The type of a value that is no tensor: `!cim.value<"seq(tensor(float))">`."""

    name = "cim.value"
    text: StringAttr

    @staticmethod
    def of(name: str) -> "ValueType":
        return ValueType(StringAttr(name))
