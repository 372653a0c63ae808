"""Places of weights that pass through the chip in parts."""

from collections.abc import Sequence

import numpy as np
import pytest

from dialects.errors import UserError
from dialects.hardware import ChipAttr
from passes.analysis.places import Placement
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.loads import place_in_loads

CHIP = {
    **{"name": "few", "rows": 4, "columns": 4, "cell_bits": 8, "dac_bits": 1, "adc_bits": 8, "adcs": 1},
    **{"encoding": "offset", "arrays": 2, "program_row_ns": 10.0},
}
TILES = np.array([[0, 0, 4, 4]])


def weights(**stages: int) -> dict[str, WeightTiles]:
    return {name: WeightTiles(TILES, dense=True, stage=stage) for name, stage in stages.items()}


def own_arrays(symbols: Sequence[str]) -> tuple[list[Placement], int]:
    """An array each, but three for `@large`."""
    sizes = [3 if symbol == "large" else 1 for symbol in symbols]
    ends = np.cumsum(sizes)
    return [Placement(TILES, np.array([[end - 1, 0, 0]])) for end in ends.tolist()], int(ends[-1])


def test_early_stages_are_in_early_parts_and_arrays_go_on() -> None:
    places = place_in_loads(weights(c=2, a=0, b=1), own_arrays, ChipAttr.from_dict(CHIP), {})
    assert {name: (load, int(own.places[0, 0])) for name, (own, load) in places.items()} == {
        **{"a": (0, 0), "b": (0, 1)},
        "c": (1, 2),
    }


def test_a_weight_that_alone_is_too_large() -> None:
    with pytest.raises(UserError) as error:
        place_in_loads(weights(a=0, large=1), own_arrays, ChipAttr.from_dict(CHIP), {"large": "wide"})
    assert str(error.value) == (
        "node 'wide' alone needs 3 crossbars in 3 arrays, chip 'few' has 2 in 2: raise its `arrays`"
    )


def test_a_chip_that_does_not_say_how_long_programming_takes() -> None:
    chip = ChipAttr.from_dict({key: value for key, value in CHIP.items() if key != "program_row_ns"})
    with pytest.raises(UserError, match=r"chip 'few' gives no program_row_ns: add it to the chip"):
        place_in_loads(weights(a=0), own_arrays, chip, {})
