"""Which encoding suits each weight: fewest crossbars, or the least time that the chip's crossbars allow."""

from collections.abc import Sequence

import numpy as np
import pytest

from dialects.chip.formats import ENCODINGS, CellFormat, Format
from passes.analysis.cells import cells_of
from passes.analysis.offsets import Weights
from passes.analysis.row_groups import lossless_groups
from passes.analysis.timing import ArrayTimes
from passes.choose_formats.analysis.crossbars import Room
from passes.choose_formats.analysis.encodings import (
    Converters,
    candidate,
    centred,
    fewest_crossbars,
    least_time,
)
from passes.choose_formats.analysis.needs import Need, need_of

TIMES = ArrayTimes(10, 4, tuple(range(1, 9)))
GENERATOR = np.random.default_rng(3)
GAUSSIAN: list[Weights] = [
    np.clip(np.round(40 * GENERATOR.standard_normal((64, 8))), -127, 127).astype(np.int8) for _ in range(3)
]
POSITIVE: list[Weights] = [np.ones((64, 8), np.int8)]
"""The sign of two's complement is no conversion more for 1-bit cells, and its sums are no larger."""


def converters(cell_bits: int = 2) -> Converters:
    return Converters(cell_bits, 1, 6, TIMES)


def room(*weights: Sequence[Weights], array_cells: int = 512) -> Room:
    own = np.array([sum(tile.size for tile in tiles) for tiles in weights], np.int64)
    return Room(own, np.zeros((0, 3), np.int64), array_cells)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_a_format_takes(encoding: str) -> None:
    """Row groups of the actual cells, all slices of a column converting at once."""
    format_ = Format(8, encoding)
    conversions = time = 0
    for tile in GAUSSIAN:
        groups = lossless_groups(cells_of(tile, 2, centred(format_)), 1, 6)
        assert groups is not None
        conversions += len(groups) * 8 * format_.slices(2)
        time += sum(10 + 2 * group.adc_bits for group in groups)
    known = candidate(GAUSSIAN, format_, converters())
    assert known is not None
    assert (known.conversions, known.time, known.slices) == (conversions, time, format_.slices(2))


def test_no_candidate_where_a_row_is_too_much() -> None:
    assert candidate(GAUSSIAN, Format(8, "offset"), Converters(8, 1, 2, TIMES)) is None


def both(cell_bits: int, crossbars: int | None = None) -> tuple[list[CellFormat], list[CellFormat]]:
    """The formats of Gaussian weights and of ones for few crossbars, and for little time."""
    weights = [GAUSSIAN, POSITIVE]
    needs, own = [need_of(tiles) for tiles in weights], room(*weights)
    return (
        fewest_crossbars(needs, weights.__getitem__, converters(cell_bits), own),
        least_time(needs, weights.__getitem__, converters(cell_bits), own, crossbars),
    )


def test_few_crossbars_are_those_of_offsets() -> None:
    few, fast = both(2)
    assert few == [CellFormat(Format(8, "offset"), True), CellFormat(Format(2, "offset"), True)]
    assert fast[0] == CellFormat(Format(8, "differential"))


def test_as_many_crossbars_and_fewer_conversions() -> None:
    """Small numbers of either sign are mostly zero bits if they are halved into positive and negative ones."""
    few, _ = both(1)
    assert [cells.format.slices(1) for cells in few] == [8, 2]
    least = min(
        known.conversions
        for encoding in ("offset", "twos-complement")
        if (known := candidate(GAUSSIAN, Format(8, encoding), converters(1))) is not None
    )
    chosen = candidate(GAUSSIAN, few[0].format, converters(1))
    assert chosen is not None
    assert chosen.conversions == least


SPARSE: list[Weights] = [np.where(np.eye(64, 8, dtype=np.int8) > 0, -1, 0).astype(np.int8)]
"""-1 has eight bits in two's complement, and one in differential cells."""


@pytest.mark.parametrize(
    ("crossbars", "encoding"), [(None, "differential"), (1000, "differential"), (2, "differential"), (1, "offset")]
)
def test_crossbars_that_are_there(crossbars: int | None, encoding: str) -> None:
    """Differential cells need 2 crossbars, offsets 1."""
    fast = least_time([need_of(SPARSE)], [SPARSE].__getitem__, Converters(2, 1, 3, TIMES), room(SPARSE), crossbars)
    assert [cells.format.encoding for cells in fast] == [encoding]


def test_time_that_costs_more_crossbars_than_it_saves_is_for_chips_without_limit() -> None:
    """Twice the crossbars for Gaussian weights save less than half of the time: without a limit alone is that good."""
    unlimited, limited = both(2)[1], both(2, 1000)[1]
    assert unlimited[0].format.encoding == "differential"
    assert [cells.format.encoding for cells in limited] == ["offset", "offset"]


def test_an_adc_of_too_few_bits_leaves_it_to_the_schedule_to_say_so() -> None:
    few = Converters(8, 1, 2, TIMES)
    chosen = least_time([Need(8, 8)], [GAUSSIAN].__getitem__, few, room(GAUSSIAN), None)
    assert chosen == [CellFormat(Format(8, "offset"), True)]
    assert fewest_crossbars([Need(8, 8)], [GAUSSIAN].__getitem__, few, room(GAUSSIAN)) == chosen
