"""Dimensions that are sums of others, by their names."""

import pytest

from cimc.program.dimension_sums import size_of, summands

NAMES = ("batch", "past", "sequence", "past_sequence_length", "sequence_length")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("past + sequence", ["past", "sequence"]),
        ("past+1", ["past", "1"]),
        ("total_sequence_length", ["past_sequence_length", "sequence_length"]),
        ("total", []),
        ("total_length", []),
        ("sequence", []),
    ],
)
def test_summands(name: str, parts: list[str]) -> None:
    assert summands(name, NAMES) == parts


def test_sizes() -> None:
    sizes = {"past": 5, "sequence": 3, "past_sequence_length": 7, "sequence_length": 2, "past + unknown": 4}
    names = {*sizes, "past + sequence", "total_sequence_length", "1 + past"}
    found = {name: size_of(name, names, sizes.__getitem__) for name in names}
    assert found == sizes | {"past + sequence": 8, "total_sequence_length": 9, "1 + past": 6}
