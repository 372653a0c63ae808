"""Names of ONNX nodes as locations: through any text, and told from operations that lost theirs."""

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, FileLineColLoc, IntAttr, ModuleOp, StringAttr
from xdsl.parser import Parser
from xdsl.printer import Printer

from dialects.locations import is_lost, location, node_name

names = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\{}u:'))


@given(names)
def test_names_of_nodes_come_back_exactly(name: str) -> None:
    module = ModuleOp([])
    module.location = location(name)
    text = StringIO()
    Printer(text, print_debuginfo=True).print_op(module)
    context = Context()
    context.load_dialect(Builtin)
    read = Parser(context, text.getvalue()).parse_module()
    assert text.getvalue().isascii()
    assert node_name(read) == node_name(module) == name
    assert not is_lost(read)


def test_an_operation_without_a_node_has_its_own_name() -> None:
    module = ModuleOp([])
    assert is_lost(module)
    assert node_name(module) == "builtin.module"


def test_other_locations_are_no_nodes_but_not_lost_either() -> None:
    module = ModuleOp([])
    module.location = FileLineColLoc(StringAttr("network.mlir"), IntAttr(1), IntAttr(2))
    assert node_name(module) == "builtin.module"
    assert not is_lost(module)
