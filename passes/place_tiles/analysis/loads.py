"""Weights that pass through a chip in parts (loads), where it has too few arrays for all of them at once."""

from collections.abc import Callable, Sequence


def loads_of(weights: Sequence[int], crossbars: Callable[[Sequence[int]], int], has: int) -> list[list[int]]:
    """The weights, in their order, in as long parts as `has` crossbars hold each; `crossbars` tells what some take.

    A weight that alone takes more is a part of its own.
    """
    loads: list[list[int]] = []
    begin = 0
    while begin < len(weights):
        count = longest(len(weights) - begin, lambda n, first=begin: crossbars(weights[first : first + n]) <= has)
        loads.append(list(weights[begin : begin + count]))
        begin += count
    return loads


def longest(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `limit` that fits, found by doubling and halving; 1 at least, which is not asked for."""
    low, high = 1, 2
    while high <= limit and fits(high):
        low, high = high, 2 * high
    high = min(high, limit + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
