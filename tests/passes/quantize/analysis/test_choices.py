"""Ways to quantise activations."""

import pytest

from dialects.errors import UserError
from passes.quantize.analysis.choices import (
    ACTIVATION_BITS,
    ACTIVATIONS,
    AUTO,
    COLUMN,
    WEIGHT_BITS,
    Resolution,
    check_activations,
    check_bits,
)


@pytest.mark.parametrize("activations", ACTIVATIONS)
def test_ways(activations: str) -> None:
    check_activations(activations)


def test_a_way_that_there_is_not() -> None:
    with pytest.raises(UserError) as error:
        check_activations("row")
    assert str(error.value) == "activations=row is unknown: expected one of token, tensor, static"


@pytest.mark.parametrize(
    ("rows", "group", "size"),
    [
        (576, None, 576),
        (576, 64, 64),
        (576, 128, 128),
        (130, 128, 128),
        (5, 2, 2),
        (3, 128, 3),
        (0, None, 1),
        (0, 8, 1),
    ],
)
def test_groups_are_as_long_as_they_may_be(rows: int, group: int | None, size: int) -> None:
    assert Resolution(4, group).rows_of(rows) == size


@pytest.mark.parametrize("bits", [*WEIGHT_BITS, AUTO])
def test_bits(bits: int | str) -> None:
    check_bits(bits, COLUMN, 8)
    for inputs in ACTIVATION_BITS:
        check_bits(bits, 2, inputs)


@pytest.mark.parametrize(
    ("bits", "group", "inputs", "message"),
    [
        (5, COLUMN, 8, "weight-bits=5: expected one of 8, 6, 4, 3, 2, auto"),
        (8, 1, 8, "weight-group=1: expected a number of rows of at least 2, or column"),
        (8, "all", 8, "weight-group=all: expected a number of rows of at least 2, or column"),
        (8, COLUMN, 3, "activation-bits=3: expected one of 8, 7, 6, 5, 4"),
    ],
)
def test_bits_that_there_are_not(bits: int, group: int | str, inputs: int, message: str) -> None:
    with pytest.raises(UserError) as error:
        check_bits(bits, group, inputs)
    assert str(error.value) == message
