"""Of several ways to place all weights that with which all stages take least, as they are scheduled."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from xdsl.ir import SSAValue

from dialects.array import MultiplyOp
from dialects.hardware import ChipAttr
from dialects.network import Network
from passes.analysis.objectives import ARRAYS, LATENCY, OBJECTIVES
from passes.analysis.places import Placement, Table, distinct_places
from passes.analysis.row_groups import tile_groups
from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.analysis.stages.stage import schedule_stage
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.spreading.parts import PART
from passes.place_tiles.tile_work import with_parts
from passes.rewriting.chip_times import resources_of
from passes.rewriting.levels import stage_numbers
from passes.rewriting.multiplications import tiled_multiplies
from passes.rewriting.weight_tiles import fitting_tiles

Place = Callable[[Sequence[WeightTiles], str], list[Placement]]
"""Weights, and what is aimed at -> the place of each."""


def has_stage_times(chip: ChipAttr) -> bool:
    """Whether a chip gives all times that `stages_ps` needs."""
    return chip.has_array_times and {"add_ns", "digital_units"} <= chip.to_dict().keys()


def fastest_places(
    weights: Mapping[str, WeightTiles],
    place: Place,
    fits: Callable[[list[Placement]], bool],
    network: Network,
    chip: ChipAttr,
) -> list[Placement]:
    """The places of weights (by symbol) for the lowest latency: of those that fit, if some do, the fastest.

    Tiles are tried whole, and cut into even and into any parts, and placed as they are for other objectives. Of equally
    fast ways the first in this order is taken.
    """
    whole = list(weights.values())
    ways, known = [place(whole, LATENCY)], [0]
    for even in (True, False):
        cut = list(with_parts(weights, network, chip, even).values())
        count = sum(0 if weight.parts is None else len(weight.parts) for weight in cut)
        if count not in known:
            ways.append(place(cut, LATENCY))
            known.append(count)
    ways += [place(whole, objective) for objective in OBJECTIVES if objective != LATENCY]
    able = [way for way in ways if fits(way)] or ways
    times = [stages_ps(dict(zip(weights, way)), network, chip) for way in able]
    return min(zip(times, able), key=lambda timed: timed[0] or 0)[1]


def places_in_few_arrays(
    weights: Mapping[str, WeightTiles], place: Place, network: Network, chip: ChipAttr
) -> list[Placement]:
    """The places of weights (by symbol) in the fewest arrays, tiles whole or cut at row groups, whatever is faster.

    That is told without another look at cells: all conversions count as ones of all bits.
    """
    whole = place(list(weights.values()), ARRAYS)
    cut = with_parts(weights, network, chip, columns=False)
    heights = {symbol: _height(weight) for symbol, weight in cut.items()}
    if not any(heights.values()):
        return whole
    parts = place(list(cut.values()), ARRAYS)
    if arrays_used(parts) > arrays_used(whole):
        return whole

    def groups_of(multiply: MultiplyOp, tiles: Table) -> Table:
        return _groups(tiles, heights[multiply.symbol], chip.adc_bits)

    times = [_stages_ps(dict(zip(weights, way)), network, chip, groups_of) for way in (whole, parts)]
    return parts if (times[1] or 0) < (times[0] or 0) else whole


def _height(weight: WeightTiles) -> int:
    """The most rows of a part of its tiles; 0 if there are none."""
    return 0 if weight.parts is None else int(weight.parts[:, PART.index("rows")].max(initial=0))


def _groups(tiles: Table, height: int, bits: int) -> Table:
    """Row groups (a table GROUP) of so many rows, of tiles that are higher; all rows where there is no height."""
    rows = tiles[:, 2]
    count = -(-rows // height) if height else np.ones_like(rows)
    tile = np.repeat(np.arange(len(tiles)), count)
    first = (np.arange(len(tile)) - np.repeat(np.cumsum(count) - count, count)) * height
    own = np.minimum(rows[tile] - first, height or rows[tile])
    return np.stack(np.broadcast_arrays(tile, first, own, bits, 0, 0), axis=1).astype(np.int64)


def stages_ps(placements: Mapping[str, Placement], network: Network, chip: ChipAttr) -> int | None:
    """What all stages take [ps], one after the other, without their transfers; `placements` are of weights by symbol,
    without copies.

    Row groups are lossless. None where a single row is too much for the ADC, which `schedule-arrays` refuses.
    """

    def groups_of(multiply: MultiplyOp, tiles: Table) -> Table | None:
        matrices = fitting_tiles(multiply, network, chip, tiles)
        return tile_groups(matrices, chip.cell_bits, multiply.cells(chip), chip.dac_bits, chip.adc_bits, 0)

    return _stages_ps(placements, network, chip, groups_of)


def _stages_ps(
    placements: Mapping[str, Placement],
    network: Network,
    chip: ChipAttr,
    groups_of: Callable[[MultiplyOp, Table], Table | None],
) -> int | None:
    stage_of, resources = stage_numbers(network), resources_of(chip)
    groups: dict[str, Table] = {}
    number: dict[SSAValue, int] = {}
    products: dict[int, list[Product]] = {}
    for multiply in tiled_multiplies(network.ops):
        symbol, placement = multiply.symbol, placements[multiply.symbol]
        if symbol not in groups:
            own = groups_of(multiply, placement.tiles)
            if own is None:
                return None
            groups[symbol] = own
        source = number.setdefault(multiply.x, len(number))
        product = Product(placement.tiles, placement.places, groups[symbol], source, multiply.planes(chip))
        products.setdefault(stage_of[multiply], []).append(product)
    occupancy = _occupancy(placements)
    return sum(schedule_stage(own, occupancy, resources).duration for own in products.values())


def _occupancy(placements: Mapping[str, Placement]) -> Occupancy:
    tables = [np.concatenate([own.places, own.tiles[:, 2:]], axis=1) for own in placements.values()]
    table = np.concatenate([np.zeros((0, 5), np.int64), *tables])
    return Occupancy(table[distinct_places(table[:, :3], table[:, 3:])])
