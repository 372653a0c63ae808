"""What tiles cost an array: time and energy of driving their rows, and of converting their columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dialects.chip.costs import ArrayCosts
from passes.analysis.batches import LARGE
from passes.analysis.places import Table
from passes.analysis.timing import ArrayTimes, Numbers

Floats = npt.NDArray[np.float64]
Tile = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Work:
    """What one vector asks of the tiles of a weight: its `planes`, in `slices` crossbars, of `input_bits` inputs.

    `peak` is the largest sum that a column's cells can come to, a row: as one tile has it that was looked at.
    """

    planes: int
    slices: int
    input_bits: int
    peak: float


PLAIN = Work(1, 1, 8, 0.0)
"""Of tiles of which nothing is known."""


def works_of_tiles(
    asked: Work, tiles: Table, tile_of: Callable[..., Tile], bounds_of: Callable[[Sequence[Tile]], Sequence[int]]
) -> tuple[tuple[Work, ...], Table]:
    """The works of these tiles of a weight, and which of them is that of each: as `asked`, with peaks of their own.

    `tile_of` gives the numbers of a tile, `bounds_of` the largest sums of several. All small ones are looked at, of
    the large ones the largest, for they differ less.
    """
    sizes = tiles[:, 2] * tiles[:, 3]
    chosen = np.flatnonzero(sizes < LARGE)
    if len(chosen) < len(tiles):
        chosen = np.append(chosen, sizes.argmax())
    bounds = bounds_of([np.ascontiguousarray(tile_of(*tile)) for tile in tiles[chosen].tolist()])
    own = np.array(bounds, np.float64) / tiles[chosen, 2]
    peaks = np.full(len(tiles), own[-1] if len(own) else 0.0)
    peaks[chosen] = own
    known, which = np.unique(peaks, return_inverse=True)
    return tuple(replace(asked, peak=peak) for peak in known.tolist()), which.reshape(-1).astype(np.int64)


@dataclass(frozen=True)
class Prices:
    """What an array's parts take: `times` [ps], and `costs` [pJ], in which nothing needs to be known."""

    times: ArrayTimes
    costs: ArrayCosts | None = None


def plain_prices(adcs: int) -> Prices:
    """Of a chip of which only its ADCs are known: rows settle for half as long as a conversion takes."""
    return Prices(ArrayTimes(1, adcs, (2,)))


@dataclass(frozen=True)
class Efforts:
    """For each tile: `settle` and `step` [ps], what driving its rows and what `adcs` of its columns take; `drive` and
    `column` [pJ], the same in energy, but of one column.

    Tiles of several row groups are driven `alone`: which rows are together differs from tile to tile.
    """

    settle: Numbers
    step: Numbers
    drive: Floats
    column: Floats
    alone: npt.NDArray[np.bool_]


def efforts(rows: Numbers, works: Sequence[Work], of_tile: Numbers, prices: Prices) -> Efforts:
    """The efforts of tiles of so many `rows`; `of_tile` is the number of each tile's work."""
    side = 1 + int(rows.max(initial=0))
    keys, index = np.unique(of_tile * side + rows, return_inverse=True)
    known = [_effort(int(key) % side, works[int(key) // side], prices) for key in keys]
    table = np.array(known, np.float64).reshape(-1, 5)[index.reshape(-1)]
    whole = table[:, :2].astype(np.int64)
    return Efforts(whole[:, 0], whole[:, 1], table[:, 2], table[:, 3], table[:, 4] > 1)


def _effort(rows: int, work: Work, prices: Prices) -> tuple[float, float, float, float, int]:
    times = prices.times
    bits = _conversions(rows, work, len(times.adc_ps))
    settle = work.planes * times.settle_ps * len(bits)
    step = work.planes * sum(times.adc_ps[b - 1] for b in bits)
    costs, repeats = prices.costs, work.planes * work.slices
    if costs is None or costs.adc_pj is None or costs.dac_pj is None:
        return settle, step, rows, 2 * len(bits), len(bits)
    each = (costs.shift_add_pj or 0) * len(bits) + sum(costs.adc_pj[b - 1] for b in bits)
    moved = (costs.transfer_bit_pj or 0) * rows * work.input_bits
    return (
        settle,
        step,
        rows * costs.dac_pj * repeats + moved,
        (each + rows * (costs.cell_pj or 0)) * repeats,
        len(bits),
    )


def _conversions(rows: int, work: Work, adc_bits: int) -> list[int]:
    """The bits of the conversions of a column, one for each row group, if rows are as full as `peak` says."""
    limit, most = (1 << adc_bits) - 1, max(1, rows)
    fitting = most if _sum(most, work.peak) <= limit else max(1, int(limit / work.peak))
    sums = [_sum(min(fitting, most - first), work.peak) for first in range(0, most, fitting)]
    return [min(adc_bits, max(1, int(sum_).bit_length())) for sum_ in sums]


def _sum(rows: int, peak: float) -> float:
    """The largest sum of so many rows: a whole number for those of the tile that was looked at."""
    return round(rows * peak, 6)
