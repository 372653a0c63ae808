"""Notes on a module: they come out as they went in, through the text of the module too."""

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.parser import Parser
from xdsl.printer import Printer

from dialects.notes import add_layer_note, layer_notes, note_permutations, permutations_before_folding

texts = st.text(max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)


def again(module: ModuleOp) -> ModuleOp:
    """The module as read from its own text."""
    stream, ctx = StringIO(), Context()
    ctx.load_dialect(Builtin)
    Printer(stream).print_op(module)
    return Parser(ctx, stream.getvalue()).parse_module()


@given(st.lists(st.tuples(texts, texts, numbers), min_size=1, max_size=3))
def test_notes_come_out_in_order(notes: list[tuple[str, str, float]]) -> None:
    module = ModuleOp([])
    for node, text, number in notes:
        add_layer_note(module, node, almost=text, weight_error=number)
    expected = [{"node": node, "almost": text, "weight_error": number} for node, text, number in notes]
    assert layer_notes(module) == expected
    assert layer_notes(again(module)) == expected


def test_a_module_without_notes() -> None:
    assert layer_notes(ModuleOp([])) == []
    assert permutations_before_folding(ModuleOp([])) is None


def test_permutations_are_counted_once() -> None:
    module = ModuleOp([])
    note_permutations(module, 7)
    note_permutations(module, 3)
    assert permutations_before_folding(again(module)) == 3
