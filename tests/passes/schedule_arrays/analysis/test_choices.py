"""Bits to which conversions may be cut."""

import pytest

from dialects.errors import UserError
from passes.schedule_arrays.analysis.choices import LOSSLESS, check_lossy


@pytest.mark.parametrize("bits", [LOSSLESS, 1, 8])
def test_bits_that_the_adcs_have(bits: int) -> None:
    check_lossy(bits, 8, "tiny-4")


@pytest.mark.parametrize("bits", [-1, 9])
def test_bits_that_they_have_not(bits: int) -> None:
    with pytest.raises(UserError) as error:
        check_lossy(bits, 8, "tiny-4")
    assert str(error.value) == f"lossy = {bits} bits: expected 1 to 8, the bits of chip 'tiny-4'"
