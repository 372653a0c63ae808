"""Magnitudes below which weights may count as zero."""

import pytest

from dialects.errors import UserError
from passes.detect_block_diagonal.analysis.choices import MOST_MAGNITUDE, NO_PRUNING, check_pruning


@pytest.mark.parametrize("magnitude", [NO_PRUNING, 1e-3, MOST_MAGNITUDE])
def test_magnitudes(magnitude: float) -> None:
    check_pruning(magnitude)


@pytest.mark.parametrize("magnitude", [-1e-3, 2e300, float("inf"), float("nan")])
def test_what_is_no_magnitude(magnitude: float) -> None:
    with pytest.raises(UserError) as error:
        check_pruning(magnitude)
    assert str(error.value) == f"prune-below={magnitude}: expected a magnitude from 0 to 1e+300"
