"""Mappings by name."""

import pytest

from dialects.errors import UserError
from passes.place_tiles import MAPPINGS, check_mapping


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_mappings_that_work(mapping: str):
    check_mapping(mapping)


@pytest.mark.parametrize("mapping", ["", "random", "Linear"])
def test_unknown_mappings(mapping: str):
    with pytest.raises(UserError) as error:
        check_mapping(mapping)
    assert str(error.value) == f"mapping {mapping} is unknown: expected one of {', '.join(MAPPINGS)}"
