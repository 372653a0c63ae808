"""Formats of arrays: crossbars, and what is meant where nothing is said."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.program.arrays.formats import Format, crossbars, first_offsets, midpoints, slices_of, usual_format
from cimc.program.program import Program


@pytest.mark.parametrize(
    ("encoding", "of_8", "of_5", "of_2"),
    [
        ("offset", (8, 4, 2, 1), (5, 3, 2, 1), (2, 1, 1, 1)),
        ("twos-complement", (8, 5, 3, 2), (5, 3, 2, 2), (2, 2, 2, 2)),
        ("differential", (16, 8, 4, 2), (10, 6, 4, 2), (4, 2, 2, 2)),
    ],
)
def test_slices(encoding: str, of_8: tuple[int, ...], of_5: tuple[int, ...], of_2: tuple[int, ...]) -> None:
    """Of cells of 1, 2, 4 and 8 bits."""
    for bits, expected in ((8, of_8), (5, of_5), (2, of_2)):
        assert tuple(Format(bits, encoding).slices(cell_bits) for cell_bits in (1, 2, 4, 8)) == expected


def test_crossbars_of_arrays_of_two_formats(handmade: Program) -> None:
    formats = [Format(8, "offset"), Format(3, "differential")]
    mixed = replace(handmade, formats=formats, array_formats=np.array([1, 0], np.uint8))
    assert handmade.chip.cell_bits == 2
    assert (slices_of(handmade).tolist(), crossbars(handmade)) == ([4, 4], 8)
    assert (slices_of(mixed).tolist(), crossbars(mixed)) == ([4, 4], 8)
    mixed.formats = [Format(4, "offset"), Format(3, "twos-complement")]
    assert (slices_of(mixed).tolist(), crossbars(mixed)) == ([2, 2], 4)
    mixed.formats = [Format(2, "offset"), Format(8, "twos-complement")]
    assert (slices_of(mixed).tolist(), crossbars(mixed)) == ([5, 1], 6)


def test_where_nothing_is_said(handmade: Program) -> None:
    assert handmade.formats == [Format(8, "offset")]
    assert handmade.array_formats.tolist() == [0, 0]
    assert handmade.offsets.tolist() == [128] * handmade.tiles[:, 5].sum()
    assert usual_format(replace(handmade.chip, encoding="differential")) == Format(8, "differential")
    assert usual_format(replace(handmade.chip, encoding="auto")) == Format(8, "offset")


def test_offsets_are_in_the_order_of_tiles() -> None:
    tiles = np.array([[0, 1, 0, 0, 4, 3, 0, 0], [0, 0, 0, 0, 4, 2, 0, 0], [0, 1, 0, 3, 4, 1, 0, 0]], np.int32)
    formats, own = [Format(8, "offset"), Format(4, "offset")], np.array([0, 1], np.uint8)
    assert first_offsets(tiles).tolist() == [0, 3, 5, 6]
    assert midpoints(tiles, formats, own, 8).tolist() == [8, 8, 8, 128, 128, 8]
    assert midpoints(tiles, [Format(8, "offset"), Format(4, "twos-complement")], own, 8).tolist() == [
        0,
        0,
        0,
        128,
        128,
        0,
    ]
    assert midpoints(tiles, formats, own, 1).tolist() == [8, 128, 8]
    assert midpoints(tiles[:0], formats, own, 8).tolist() == []
