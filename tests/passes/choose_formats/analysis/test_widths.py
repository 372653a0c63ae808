"""In how many bits weights stand: as few crossbars as can be, never more than with 8 bits for all."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.chip.formats import ENCODINGS, Format
from passes.choose_formats.analysis.crossbars import Room
from passes.choose_formats.analysis.widths import canonical_widths, choose_widths, widened


@pytest.mark.parametrize(
    ("encoding", "cell_bits", "widths"),
    [
        ("offset", 1, [2, 3, 4, 5, 6, 7, 8]),
        ("offset", 2, [2, 4, 6, 8]),
        ("offset", 4, [4, 8]),
        ("offset", 8, [8]),
        ("twos-complement", 2, [3, 5, 7, 8]),
        ("twos-complement", 4, [5, 8]),
        ("differential", 2, [2, 4, 6, 8]),
    ],
)
def test_widths_that_are_worth_telling_apart(encoding: str, cell_bits: int, widths: list[int]) -> None:
    assert canonical_widths(encoding, cell_bits) == widths
    assert [widened(bits, encoding, cell_bits) for bits in widths] == widths
    assert widened(2, encoding, cell_bits) == widths[0]


def room(sizes: list[int]) -> Room:
    return Room(np.array(sizes, np.int64), np.zeros((0, 3), np.int64), 16)


@given(
    st.lists(st.tuples(st.integers(2, 8), st.integers(1, 70)), min_size=1, max_size=4),
    st.sampled_from(ENCODINGS),
    st.sampled_from([1, 2, 4, 8]),
)
def test_no_other_choice_takes_fewer_crossbars(weights: list[tuple[int, int]], encoding: str, cell_bits: int) -> None:
    """All choices are tried, of widths that hold each weight."""
    needs, sizes = [need for need, _ in weights], [size for _, size in weights]
    widths = canonical_widths(encoding, cell_bits)

    def crossbars(chosen: tuple[int, ...]) -> int:
        cells = {bits: sum(s for s, b in zip(sizes, chosen) if b == bits) for bits in chosen}
        return sum(Format(bits, encoding).slices(cell_bits) * -(-count // 16) for bits, count in cells.items())

    chosen = choose_widths(needs, encoding, cell_bits, room(sizes))
    assert all(bits >= need for bits, need in zip(chosen, needs))
    best = min(crossbars(other) for other in product(*([w for w in widths if w >= need] for need in needs)))
    assert crossbars(tuple(chosen)) <= crossbars((8,) * len(chosen))
    if len(weights) < 3:
        assert crossbars(tuple(chosen)) == best


def test_a_few_small_weights_join_a_wider_format() -> None:
    assert choose_widths([8, 4], "offset", 2, room([24, 8])) == [8, 8]
    assert choose_widths([8, 4], "offset", 2, room([32, 32])) == [8, 4]
    assert choose_widths([8, 4], "offset", 2, room([24, 24])) == [8, 8]
    assert choose_widths([4, 3, 2], "offset", 2, room([8, 8, 16])) == [4, 4, 2]


def test_no_weights() -> None:
    assert choose_widths([], "offset", 2, room([])) == []
