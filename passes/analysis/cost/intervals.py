"""Ranges that may lie on each other, counted once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.int64]


def group_numbers(*columns: ArrayLike) -> Numbers:
    """A number for each row of some columns of integers, the same for equal rows, from 0 on."""
    _, inverse = np.unique(np.stack([np.asarray(c, np.int64) for c in columns], axis=1), axis=0, return_inverse=True)
    return inverse.reshape(-1).astype(np.int64)


def newly_covered(group: Numbers, first: ArrayLike, length: ArrayLike) -> Numbers:
    """How many integers of its range `[first, first + length)` each entry is the first of its group to cover.

    The sum over a group is the size of the union of its ranges.
    """
    low = np.asarray(first, np.int64)
    high = low + np.asarray(length, np.int64)
    span = int(high.max(initial=0)) + 1
    order = np.lexsort([low, group])
    offset = group[order] * span
    reach = np.maximum.accumulate(offset + high[order])
    before = np.concatenate([[0], reach[:-1]])[: len(order)] - offset  # negative where a group begins
    covered = np.empty(len(order), np.int64)
    covered[order] = np.maximum(0, high[order] - np.maximum(low[order], before))
    return covered
