"""Notes on a module: they come out as they went in, through the text of the module too."""

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.parser import Parser
from xdsl.printer import Printer

from dialects.notes import (
    LayerNotes,
    arrays_without_sharing,
    dense_weights,
    layer_notes,
    note_arrays_without_sharing,
    note_dense_weights,
    note_permutations,
    permutations_before_folding,
)

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
    module, said = ModuleOp([]), LayerNotes("almost", "weight_error")
    for node, text, number in notes:
        said.add(node, almost=text, weight_error=number)
    said.write(module)
    expected = [{"node": node, "almost": text, "weight_error": number} for node, text, number in notes]
    assert layer_notes(module) == expected
    assert layer_notes(again(module)) == expected


def test_a_module_without_notes() -> None:
    assert layer_notes(ModuleOp([])) == []
    assert permutations_before_folding(ModuleOp([])) is None


def test_what_is_said_again_is_kept_once() -> None:
    """Notes of two multiplications of one node are both kept, and stay in their places."""
    module = ModuleOp([])
    for _ in range(2):
        said = LayerNotes("almost")
        for node, text in (("a", "x"), ("b", "y"), ("a", "x")):
            said.add(node, almost=text)
        said.write(module)
    assert [note["node"] for note in layer_notes(module)] == ["a", "b", "a"]


def test_what_is_said_anew_takes_the_place_of_what_was_said() -> None:
    module = ModuleOp([])
    first, other = LayerNotes("almost"), LayerNotes("monarch", "weight_error")
    for node in ("a", "b", "c"):
        first.add(node, almost="x")
        other.add(node, monarch="left dense")
    first.write(module)
    other.write(module)
    second = LayerNotes("almost")
    second.look_at("a")
    second.add("b", almost="y")
    second.write(module)
    later = LayerNotes("monarch", "weight_error")
    later.add("c", weight_error=0.5)
    later.write(module)
    assert layer_notes(module) == [
        {"node": "c", "almost": "x"},
        {"node": "a", "monarch": "left dense"},
        {"node": "b", "monarch": "left dense"},
        {"node": "b", "almost": "y"},
        {"node": "c", "weight_error": 0.5},
    ]


def test_arrays_without_sharing_are_those_of_the_last_run() -> None:
    module = ModuleOp([])
    assert arrays_without_sharing(module) is None
    for count in (7, 3, None):
        note_arrays_without_sharing(module, count)
        assert arrays_without_sharing(again(module)) == count


def test_permutations_and_dense_weights_are_counted_before_anything_is_folded() -> None:
    module = ModuleOp([])
    for first, last, counted in ((7, 3, 7), (0, 8, 8)):
        for count in (first, last):
            note_permutations(module, count)
            note_dense_weights(module, 10 * count)
        assert permutations_before_folding(again(module)) == counted
        assert dense_weights(again(module)) == 10 * counted
