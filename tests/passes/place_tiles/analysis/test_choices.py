"""Mappings by name, and what they can aim at."""

import pytest

from dialects.errors import UserError
from passes.place_tiles.analysis.choices import MAPPING_NAMES, check_mapping
from passes.place_tiles.analysis.table import MAPPINGS


def test_every_name_has_its_mapping():
    assert tuple(MAPPINGS) == MAPPING_NAMES


@pytest.mark.parametrize("mapping", MAPPING_NAMES)
def test_mappings_that_work(mapping: str):
    check_mapping(mapping)


@pytest.mark.parametrize("mapping", ["", "random", "Linear"])
def test_unknown_mappings(mapping: str):
    with pytest.raises(UserError) as error:
        check_mapping(mapping)
    assert str(error.value) == f"mapping {mapping} is unknown: expected one of {', '.join(MAPPING_NAMES)}"


@pytest.mark.parametrize(
    ("mapping", "objective", "message"),
    [
        ("spread", "speed", "objective speed is unknown: expected one of arrays, latency, throughput"),
        ("linear", "latency", "objective latency with mapping linear: expected mapping spread, others leave no choice"),
    ],
)
def test_wrong_objectives(mapping: str, objective: str, message: str):
    with pytest.raises(UserError) as error:
        check_mapping(mapping, objective)
    assert str(error.value) == message
