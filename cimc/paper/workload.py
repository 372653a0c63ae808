"""The paper's networks as the scheduler takes them: weights with generated numbers, placed, stage by stage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from cimc.paper.shapes import Network, dense_tiles, monarch_tiles
from dialects.chip.formats import CellFormat
from dialects.hardware import ChipAttr
from passes.analysis.cost.arrays import INPUT_BITS
from passes.analysis.places import Placement
from passes.analysis.row_groups import GROUP, tile_groups, whole_bounds
from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.analysis.stages.stage import StageSchedule, schedule_stage
from passes.place_tiles.analysis.placement import WeightTiles, fewest_arrays
from passes.place_tiles.analysis.spreading.spread import Goal, place_spread
from passes.place_tiles.analysis.spreading.work import Work, works_of_tiles
from passes.place_tiles.analysis.table import MAPPINGS
from passes.place_tiles.tile_work import prices_of
from passes.quantize.analysis.quantization import quantised
from passes.rewriting.chip_times import picoseconds, resources_of

Table = npt.NDArray[np.int64]


@dataclass
class GeneratedWeights:
    """Gaussian numbers as int8, a scale for each column: one matrix a shape, which all weights of that shape share.

    What a schedule depends on is how large the sums of cells are, and that differs little from one such matrix to the
    next.
    """

    made: dict[tuple[int, ...], npt.NDArray[np.int8]] = field(
        default_factory=dict[tuple[int, ...], npt.NDArray[np.int8]]
    )
    groups: dict[tuple[object, ...], Table] = field(default_factory=dict[tuple[object, ...], Table])
    """Row groups that were worked out: they depend on tiles and converters, and so on neither places nor ADCs."""
    placements: dict[tuple[object, ...], list[Placement]] = field(
        default_factory=dict[tuple[object, ...], list[Placement]]
    )
    """Of networks that were placed: only `spread` asks what a chip has besides rows and columns."""

    def of(self, weight: WeightTiles) -> npt.NDArray[np.int8]:
        """The matrix [in, out] of a dense weight, or the blocks [blocks, rows, columns] of a factor."""
        rows, columns = (int(size) for size in (weight.tiles[:, :2] + weight.tiles[:, 2:]).max(axis=0))
        shape = (rows, columns)
        if not weight.dense:
            height, width = (int(size) for size in weight.tiles[0, 2:])
            shape = (rows // height, height, width)
        if shape not in self.made:
            numbers = np.random.default_rng(len(self.made)).standard_normal(shape, np.float32)
            self.made[shape] = quantised(numbers).values
        return self.made[shape]


@dataclass(frozen=True)
class StageRun:
    """The multiplications of a stage and their schedule; `permuted` elements are put into another order before it."""

    products: list[Product]
    schedule: StageSchedule
    permuted: int
    picoseconds: int
    """With both transfers, and the permutations, which move vectors once more, all at once."""


@dataclass(frozen=True)
class Workload:
    """A network in its dense or Monarch form, under a mapping; `spread` on the fewest arrays always."""

    network: Network
    form: str
    mapping: str
    chip: ChipAttr
    objective: str = "arrays"
    numbers: GeneratedWeights = field(default_factory=GeneratedWeights, compare=False)

    @cached_property
    def weights(self) -> list[WeightTiles]:
        make = {"dense": dense_tiles, "monarch": monarch_tiles}[self.form]
        return make(self.network, self.chip.rows)

    @cached_property
    def placements(self) -> list[Placement]:
        chip = self.chip
        asked = (chip, self.objective) if self.mapping == "spread" else (chip.rows, chip.columns)
        key = (self.network.layers, self.form, self.mapping, *asked)
        if key not in self.numbers.placements:
            self.numbers.placements[key] = self._placed()
        return self.numbers.placements[key]

    def _placed(self) -> list[Placement]:
        chip = self.chip
        if self.mapping == "spread":
            fewest = fewest_arrays([weight.tiles for weight in self.weights], chip.rows, chip.columns)
            goal = Goal(self.objective, fewest, chip.adcs, prices_of(chip))
            return place_spread(self._with_work(GeneratedWeights()), chip.rows, chip.columns, goal)
        return MAPPINGS[self.mapping](self.weights, chip.rows, chip.columns)

    def _with_work(self, numbers: GeneratedWeights) -> list[WeightTiles]:
        """The weights, with what `place-tiles` sees of vectors and numbers."""
        chip, cells = self.chip, CellFormat(self.chip.default_format)
        asked = Work(chip.planes(signed=False), cells.format.slices(chip.cell_bits), INPUT_BITS, 0.0)
        bounds_of = partial(whole_bounds, cell_bits=chip.cell_bits, cells=cells, dac_bits=chip.dac_bits)
        known: dict[tuple[tuple[int, ...], bytes], tuple[tuple[Work, ...], Table]] = {}
        weights: list[WeightTiles] = []
        for source, weight in zip(self._sources(), self.weights):
            matrix = numbers.of(weight)
            key = matrix.shape, weight.tiles.tobytes()
            if key not in known:
                known[key] = works_of_tiles(asked, weight.tiles, partial(_tile, matrix), bounds_of)
            works, work_of = known[key]
            weights.append(replace(weight, source=source, works=works, work_of=work_of))
        return weights

    def _sources(self) -> list[int]:
        """The vector of each weight: Q, K and V read one vector, their second factors do not."""
        seen: dict[int, int] = {}
        sources: list[int] = []
        for weight in self.weights:
            before = seen.get(weight.stage, 0)
            seen[weight.stage] = before + 1
            sources.append(weight.stage * len(self.weights) + (before if weight.second else 0))
        return sources

    @cached_property
    def occupancy(self) -> Occupancy:
        tables = [np.concatenate([p.places, p.tiles[:, 2:]], axis=1) for p in self.placements]
        return Occupancy(np.concatenate(tables))

    def stages(self, groups: Sequence[Table]) -> list[list[Product]]:
        """The multiplications of each stage; `groups` are the row groups of each weight."""
        products_of: dict[int, list[Product]] = {}
        planes = self.chip.planes(signed=False)
        for source, weight, placement, table in zip(self._sources(), self.weights, self.placements, groups):
            members = products_of.setdefault(weight.stage, [])
            members.append(Product(placement.tiles, placement.places, table, source % len(self.weights), planes))
        return [products_of[stage] for stage in sorted(products_of)]

    def token(self, groups: Sequence[Table]) -> Iterator[StageRun]:
        """One token: the stages, one after the other. A Monarch pair has one permutation, between its factors."""
        resources, transfer = resources_of(self.chip), picoseconds(self.chip.transfer_ns)
        permuted: dict[int, int] = {}
        for weight in self.weights:
            rows = int((weight.tiles[:, 0] + weight.tiles[:, 2]).max())
            permuted[weight.stage] = permuted.get(weight.stage, 0) + (rows if weight.second else 0)
        for elements, products in zip((permuted[stage] for stage in sorted(permuted)), self.stages(groups)):
            schedule = schedule_stage(products, self.occupancy, resources)
            moves = 3 if elements else 2
            yield StageRun(products, schedule, elements, schedule.duration + moves * transfer)

    def whole_tiles(self, bits: int) -> list[Table]:
        """Row groups if every tile is converted at once, to `bits` bits whatever its cells are."""
        tables: list[Table] = []
        for placement in self.placements:
            number = np.arange(len(placement.tiles))
            same = np.ones_like(number)
            fields = (number, 0 * number, placement.tiles[:, 2], same * bits, 0 * number, 0 * number)
            tables.append(np.stack(fields, axis=1).reshape(-1, len(GROUP)))
        return tables

    def lossless(self) -> list[Table]:
        """Row groups and bits by the lossless rule, from the cells of generated weights."""
        chip, numbers, tables = self.chip, self.numbers, list[Table]()
        converters = chip.cell_bits, chip.encoding, chip.dac_bits, chip.adc_bits
        for weight, placement in zip(self.weights, self.placements):
            matrix = numbers.of(weight)
            key = placement.tiles.tobytes(), matrix.shape, converters
            if key not in numbers.groups:
                numbers.groups[key] = self.row_groups(matrix, placement)
            tables.append(numbers.groups[key])
        return tables

    def row_groups(self, matrix: npt.NDArray[np.int8], placement: Placement) -> Table:
        """Row groups and bits of one weight by the lossless rule."""
        chip = self.chip
        tiles = [_tile(matrix, *tile) for tile in placement.tiles.tolist()]
        groups = tile_groups(tiles, chip.cell_bits, CellFormat(chip.default_format), chip.dac_bits, chip.adc_bits, 0)
        assert groups is not None
        return groups


def _tile(matrix: npt.NDArray[np.int8], k: int, n: int, rows: int, columns: int) -> npt.NDArray[np.int8]:
    if matrix.ndim == 3:
        block, k, n = k // matrix.shape[1], k % matrix.shape[1], n % matrix.shape[2]
        matrix = matrix[block]
    return np.ascontiguousarray(matrix[k : k + rows, n : n + columns])
