"""The mappings by name: each gives the tiles of all weights their places."""

from collections.abc import Callable, Sequence

from passes.analysis.places import Placement
from passes.place_tiles.analysis.choices import DENSEMAP, LINEAR, SPARSEMAP, SPREAD
from passes.place_tiles.analysis.densemap import place_densemap
from passes.place_tiles.analysis.linear import place_linear
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.analysis.sparsemap import place_sparsemap
from passes.place_tiles.analysis.spreading.spread import place_spread

Mapping = Callable[[Sequence[WeightTiles], int, int], list[Placement]]
"""Weights, rows and columns of an array -> the place of each weight."""


def _linear(weights: Sequence[WeightTiles], array_rows: int, array_columns: int) -> list[Placement]:
    tables = [weight.tiles for weight in weights]
    places = place_linear(tables, [weight.dense for weight in weights], array_rows, array_columns)
    return [Placement(tiles, own) for tiles, own in zip(tables, places)]


MAPPINGS: dict[str, Mapping] = {
    LINEAR: _linear,
    SPARSEMAP: place_sparsemap,
    DENSEMAP: place_densemap,
    SPREAD: place_spread,
}
