"""Dimensions whose names say that they are sums of others, as those of an attention mask do."""

from collections.abc import Callable, Collection


def summands(name: str, names: Collection[str]) -> list[str]:
    """The dimensions and numbers that a dimension is the sum of, by what its name says; none for any other.

    `past + sequence` is a sum by itself; `total_sequence_length` is one where `names` has both
    `past_sequence_length` and `sequence_length`.
    """
    if "+" in name:
        return [part.strip() for part in name.split("+")]
    past, own = name.replace("total", "past"), name.replace("total_", "")
    return [past, own] if own != name and past in names and own in names else []


def size_of(name: str, names: Collection[str], size: Callable[[str], int]) -> int:
    """The size of a dimension: that of a sum from those of its parts, where all are numbers or among `names`."""
    parts = summands(name, names)
    if not parts or not all(part.isdecimal() or part in names for part in parts):
        return size(name)
    return sum(int(part) if part.isdecimal() else size_of(part, names, size) for part in parts)
