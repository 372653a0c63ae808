"""How many bytes a run holds and moves, counted while it is followed: of each value, by its slot."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast


@dataclass
class ByteCounts:
    """Bytes by slot, in all executions; what is moved of a value is all of it."""

    held: dict[int, int] = field(default_factory=dict[int, int])
    """The most that a value had."""
    read: Counter[int] = field(default_factory=Counter[int])
    """By kernels and permutations."""
    written: Counter[int] = field(default_factory=Counter[int])
    """By kernels and permutations, and by arrays."""
    multiplied: Counter[int] = field(default_factory=Counter[int])
    """Of what arrays multiply, by the slot of the product."""

    def hold(self, values: Mapping[int, Any]) -> None:
        """Take note of how large values are."""
        for slot, value in values.items():
            self.held[slot] = max(self.held.get(slot, 0), bytes_of(value))

    def move(self, values: Mapping[int, Any], read: Iterable[int], written: Iterable[int]) -> None:
        """Take note that values are read and written."""
        read, written = list(read), list(written)
        self.hold({slot: values[slot] for slot in (*read, *written)})
        for slot in read:
            self.read[slot] += bytes_of(values[slot])
        for slot in written:
            self.written[slot] += bytes_of(values[slot])

    def multiply(self, values: Mapping[int, Any], x: int, y: int) -> None:
        """Take note that value `x` is multiplied and gives value `y`."""
        self.hold({x: values[x]})
        self.multiplied[y] += bytes_of(values[x])
        self.move(values, (), (y,))


def bytes_of(value: Any) -> int:
    """The bytes of a tensor, or of all tensors of a sequence; 0 for an optional value that is none."""
    if isinstance(value, list):
        return sum(map(bytes_of, cast("list[Any]", value)))
    return int(getattr(value, "nbytes", 0))
