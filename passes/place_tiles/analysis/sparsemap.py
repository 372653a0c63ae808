"""The sparsemap mapping of arXiv 2510.11192: an array holds the blocks of one diagonal and zeros besides."""

from collections.abc import Sequence

from passes.analysis.places import Placement
from passes.place_tiles.analysis.linear import place_linear
from passes.place_tiles.analysis.placement import WeightTiles


def place_sparsemap(weights: Sequence[WeightTiles], array_rows: int, array_columns: int) -> list[Placement]:
    """As many blocks of a weight in each array as fit down its diagonal, and nothing else in it.

    No two blocks of an array share a row or a column, so all of them could be read at once; of `m x m` cells,
    `g = m // b` blocks of `b x b` use `b / m`. Dense weights have one tile an array.
    """
    tables = [weight.tiles for weight in weights]
    places = place_linear(tables, [weight.dense for weight in weights], array_rows, array_columns)
    return [Placement(tiles, own) for tiles, own in zip(tables, places)]
