"""Numbers of values: each its own, in the order in which they are asked for, but for what is the same elsewhere."""

from xdsl.dialects import test
from xdsl.dialects.builtin import i32

from cimc.emitter.slots import Slots


def test_values_are_numbered_as_they_are_asked_for() -> None:
    a, b, c = test.TestOp(result_types=[i32] * 3).results
    slots = Slots()
    assert [slots.of(value) for value in (b, a, b, c, a)] == [0, 1, 0, 2, 1]
    assert slots.count == 3


def test_a_value_that_was_moved_has_the_number_of_what_it_was() -> None:
    a, b, c = test.TestOp(result_types=[i32] * 3).results
    slots = Slots()
    slots.share(b, a)
    assert [slots.of(value) for value in (c, b, a)] == [1, 0, 0]
    assert slots.count == 2
