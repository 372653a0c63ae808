"""Sizes of symbolic dimensions: as given, the context for a past, and otherwise one token."""

import pytest

from cimc.options.conditions import DEFAULT_CONTEXT
from cimc.program.errors import ProgramError
from cimc.program.metadata import Input
from cimc.report.cost.dimensions import dimensions, sizes_text

INPUTS = [
    Input("ids", "int64", ("batch", "sequence"), 0),
    Input("mask", "int64", ("batch", "past_length + sequence"), 1),
    Input("other", "int64", ("batch", "past_length + 1", None, 5), 2),
    Input("keys", "float32", ("batch", "past_length", "total_length"), 3),
]


def test_one_token_after_a_context() -> None:
    assert dimensions(INPUTS, {}, DEFAULT_CONTEXT) == {
        "batch": 1,
        "sequence": 1,
        "past_length": 512,
        "past_length + sequence": 513,
        "past_length + 1": 513,
        "total_length": 513,
    }


def test_given_sizes_count_in_sums() -> None:
    found = dimensions(INPUTS, {"sequence": 4, "past_length": 10}, 99)
    assert (found["past_length + sequence"], found["past_length + 1"], found["total_length"]) == (14, 11, 100)


def test_in_words() -> None:
    assert sizes_text(dimensions(INPUTS, {}, 7)) == "batch = 1, past_length = 7, sequence = 1, total_length = 8"
    assert sizes_text({}) == ""


@pytest.mark.parametrize(("inputs", "names"), [([Input("x", "int64", ("a", "b"), 0)], "a, b"), ([], "none")])
def test_an_unknown_name(inputs: list[Input], names: str) -> None:
    with pytest.raises(ProgramError) as error:
        dimensions(inputs, {"c": 2}, 1)
    assert str(error.value) == f"dimension c is unknown, the inputs have {names}"
