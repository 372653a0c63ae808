"""Ways to quantise activations."""

import pytest

from dialects.errors import UserError
from passes.quantize.analysis.choices import ACTIVATIONS, check_activations


@pytest.mark.parametrize("activations", ACTIVATIONS)
def test_ways(activations: str) -> None:
    check_activations(activations)


def test_a_way_that_there_is_not() -> None:
    with pytest.raises(UserError) as error:
        check_activations("row")
    assert str(error.value) == "activations=row is unknown: expected one of token, tensor, static"
