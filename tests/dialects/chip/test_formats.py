"""How many crossbars weights of a format need."""

import pytest

from dialects.chip.formats import ENCODINGS, Format


@pytest.mark.parametrize(
    ("bits", "cell_bits", "slices"),
    [
        (8, 1, (8, 8, 16)),
        (8, 2, (4, 5, 8)),
        (8, 4, (2, 3, 4)),
        (8, 8, (1, 2, 2)),
        (5, 2, (3, 3, 6)),
        (4, 1, (4, 4, 8)),
        (4, 2, (2, 3, 4)),
        (3, 4, (1, 2, 2)),
        (2, 2, (1, 2, 2)),
    ],
)
def test_slices(bits: int, cell_bits: int, slices: tuple[int, ...]) -> None:
    """In offset encoding, two's complement and differential."""
    assert tuple(Format(bits, encoding).slices(cell_bits) for encoding in ENCODINGS) == slices


def test_limits() -> None:
    assert Format(4, "offset").limits == (-8, 7)
    assert Format(8, "twos-complement").limits == (-128, 127)


def test_what_is_no_format_is_told() -> None:
    assert Format(2, "offset").fault is None
    assert Format(9, "offset").fault == "weights of 9 bits: expected 2 to 8"
    assert Format(1, "offset").fault == "weights of 1 bits: expected 2 to 8"
    assert Format(4, "binary").fault == "encoding 'binary': expected one of offset, twos-complement, differential"
