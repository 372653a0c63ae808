"""Many lists of numbers in two arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists of numbers, one after the other: that of `i` is `values[first[i] : first[i + 1]]`."""

    first: Numbers
    values: Numbers

    def __len__(self) -> int:
        return len(self.first) - 1

    def of(self, number: int) -> Numbers:
        """One of the lists."""
        return self.values[self.first[number] : self.first[number + 1]]

    @property
    def owners(self) -> Numbers:
        """For each value the number of the list that it is in."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    @staticmethod
    def of_pairs(owners: ArrayLike, values: ArrayLike, count: int) -> "Lists":
        """The lists of `count` owners from pairs (owner, value): each value once in a list, in ascending order."""
        owner, value = np.asarray(owners, np.int64).reshape(-1), np.asarray(values, np.int64).reshape(-1)
        width = int(value.max(initial=0)) + 1
        pairs = np.sort(owner * width + value)
        owner, value = np.divmod(pairs[np.diff(pairs, prepend=-1) != 0], width)
        return Lists(np.searchsorted(owner, np.arange(count + 1)), value)


def spread(lists: Lists, chosen: Numbers) -> tuple[Numbers, Numbers]:
    """The values of the chosen lists, one list after the other, and for each the place in `chosen` it comes from."""
    begin, counts = lists.first[chosen], np.diff(lists.first)[chosen]
    place = np.repeat(np.arange(len(chosen)), counts)
    within = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    return lists.values[begin[place] + within], place
