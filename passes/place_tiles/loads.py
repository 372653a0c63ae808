"""Places for weights that pass through the chip in parts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from dialects.errors import UserError
from dialects.hardware import ChipAttr
from passes.analysis.places import Placement
from passes.place_tiles.analysis.loads import loads_of
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used

Place = Callable[[Sequence[str]], tuple[list[Placement], int]]
"""Some weights, by symbol -> their places, from array 0 on, and how many crossbars these arrays have."""


def place_in_loads(
    weights: Mapping[str, WeightTiles], place: Place, chip: ChipAttr, nodes: Mapping[str, str]
) -> dict[str, tuple[Placement, int]]:
    """The place of each weight, and the part that it is in; weights of early stages are in early parts.

    Arrays of a part have numbers behind those of the parts before it. UserError for a weight that alone takes more
    crossbars than the chip has, by its node (`nodes`), and for a chip that does not say how long programming takes.
    """
    assert chip.crossbars is not None
    _ = chip.program_row_ns
    symbols = list(weights)
    order = sorted(range(len(symbols)), key=lambda i: weights[symbols[i]].stage)
    loads = loads_of(order, lambda some: place([symbols[i] for i in some])[1], chip.crossbars)
    places: dict[str, tuple[Placement, int]] = {}
    before = 0
    for number, members in enumerate(loads):
        own = [symbols[i] for i in members]
        placements, crossbars = place(own)
        if crossbars > chip.crossbars:
            raise UserError(
                f"node {nodes[own[0]]!r} alone needs {crossbars} crossbars in {arrays_used(placements)} arrays, chip "
                f"{chip.chip_name!r} has {chip.crossbars} in {chip.arrays}: raise its `arrays`"
            )
        for symbol, placement in zip(own, placements, strict=True):
            places[symbol] = replace(placement, places=placement.places + np.array([before, 0, 0])), number
        before += arrays_used(placements)
    return places
