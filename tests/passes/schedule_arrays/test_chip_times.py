"""How long vectors move."""

import pytest

from cimc.hardware.library import load_chip
from dialects.hardware import ChipAttr
from passes.schedule_arrays.chip_times import move_ps


@pytest.mark.parametrize(("rate", "longer"), [(None, 0), (32, 2_000), (30, 2_134)])
def test_vectors_of_many_bits_take_longer_where_links_have_a_width(rate: int | None, longer: int) -> None:
    keys = load_chip("tiny-4").to_dict()
    chip = ChipAttr.from_dict(keys if rate is None else {**keys, "links": 1, "link_bits_per_ns": rate})
    assert move_ps(chip, 64) == 5_000 + longer
