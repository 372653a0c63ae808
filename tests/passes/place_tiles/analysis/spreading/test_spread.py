"""spread: as few arrays as the cells allow, every weight element once, stages spread over arrays."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialects.chip.costs import ArrayCosts
from passes.analysis.objectives import OBJECTIVES
from passes.analysis.places import Placement, illegal_place
from passes.analysis.tiling import block_tiles, grid_tiles
from passes.analysis.timing import ArrayTimes
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used, fewest_arrays
from passes.place_tiles.analysis.spreading.spread import ENERGY, SLACK, Goal, place_spread
from passes.place_tiles.analysis.spreading.work import Prices, Work


def dense(rows: int, columns: int, stage: int = 0) -> WeightTiles:
    return WeightTiles(grid_tiles(rows, columns, 256, 256), dense=True, stage=stage)


def blocks(count: int, rows: int, columns: int, stage: int = 0, array: tuple[int, int] = (256, 256)) -> WeightTiles:
    i = np.arange(count)
    rectangles = np.stack([i * rows, i * columns, 0 * i + rows, 0 * i + columns], axis=1)
    return WeightTiles(block_tiles(rectangles, *array), dense=False, stage=stage)


def transformer(layers: int, hidden: int, keys: int, inner: int, gated: bool) -> list[WeightTiles]:
    """The dense weights of a decoder's layers, four stages a layer."""
    found: list[WeightTiles] = []
    for stage in range(0, 4 * layers, 4):
        found += [dense(hidden, hidden, stage), dense(hidden, keys, stage), dense(hidden, keys, stage)]
        found += [dense(hidden, hidden, stage + 1), *[dense(hidden, inner, stage + 2)] * (2 if gated else 1)]
        found.append(dense(inner, hidden, stage + 3))
    return found


NETWORKS = {
    "MiniLM": (transformer(6, 384, 384, 1536, gated=False), 162, 162),
    "SmolLM2-135M": (transformer(30, 576, 192, 1536, gated=True), 1620, 1620),
    "32x32": ([blocks(100, 32, 32, i) for i in range(10)], 16, 16),
    "64x64 and 32x128": ([blocks(15, 64, 64), blocks(1, 32, 128), blocks(3, 32, 128)], 2, 2),
    "one array filled": ([blocks(15, 64, 64), blocks(1, 32, 128)], 1, 1),
    "63x64": ([blocks(40, 63, 64, i) for i in range(60)], 148, 150),
    "144x144": ([blocks(16, 144, 144, i) for i in range(30)], 152, 155),
    "100x30 and 30x100": ([blocks(90, 100, 30), blocks(90, 30, 100, 1)], 9, 9),
    "300x200": ([blocks(10, 300, 200)], 10, 10),
}
"""Weights, lower bound, most arrays that are good enough."""


def check(weights: Sequence[WeightTiles], rows: int, columns: int, goal: Goal = Goal()) -> list[Placement]:
    """The placement, which is legal and holds every element of every tile once."""
    placements = place_spread(weights, rows, columns, goal)
    assert illegal_place(placements, rows, columns) is None
    for weight, placement in zip(weights, placements, strict=True):
        assert np.array_equal(times_covered(weight.tiles), times_covered(placement.tiles))
    return placements


def times_covered(tiles: np.ndarray) -> np.ndarray:
    """How many tiles hold each element of a weight."""
    counts = np.zeros((tiles[:, [0, 2]].sum(axis=1).max(initial=0), tiles[:, [1, 3]].sum(axis=1).max(initial=0)), int)
    for k, n, rows, columns in tiles.tolist():
        counts[k : k + rows, n : n + columns] += 1
    return counts


@pytest.mark.parametrize("name", NETWORKS)
def test_arrays(name: str) -> None:
    weights, bound, most = NETWORKS[name]
    assert fewest_arrays([w.tiles for w in weights], 256, 256) == bound
    assert bound <= arrays_used(check(weights, 256, 256)) <= most


@pytest.mark.parametrize("name", ["MiniLM", "SmolLM2-135M", "32x32"])
def test_rows_are_driven_again_for_5_percent(name: str) -> None:
    """Where prices are not known, driving a row costs 1, and converting a column 2."""
    weights = NETWORKS[name][0]
    driven, whole = 0, 0
    for weight, placement in zip(weights, place_spread(weights, 256, 256), strict=True):
        whole += int((weight.tiles[:, 2] + 2 * weight.tiles[:, 3]).sum())
        places = np.column_stack([placement.tiles[:, [0, 2]], placement.places[:, :2]])
        driven += int(np.unique(places, axis=0)[:, 1].sum() + 2 * placement.tiles[:, 3].sum())
    assert driven <= (1 + ENERGY) * whole


def test_rows_are_cut_only_to_save_arrays() -> None:
    """63x64 wastes 1.6 % of an array, which is put up with; 144x144 would waste 44 %."""
    for shape, is_cut in (((63, 64), False), ((144, 144), True)):
        placements = place_spread([blocks(40, *shape, i) for i in range(20)], 256, 256)
        heights = {h for p in placements for h in p.tiles[:, 2].tolist()}
        assert (heights != {shape[0]}) == is_cut


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_rows_are_cut_for_a_chip_that_is_too_small_without(objective: str) -> None:
    """1.4 % more arrays than the bound are too many for a chip that has no more."""
    weights, bound, _ = NETWORKS["63x64"]
    assert arrays_used(check(weights, 256, 256)) > bound
    assert arrays_used(check(weights, 256, 256, Goal(objective, bound, 8))) == bound


@pytest.mark.parametrize(("name", "most"), [("MiniLM", 1.0), ("SmolLM2-135M", 1.0), ("32x32", 1.0)])
def test_a_stage_takes_as_long_as_its_widest_tile_or_its_share(name: str, most: float) -> None:
    """No array waits for its second tile while another has none: with enough arrays, each tile has one of its own."""
    weights = NETWORKS[name][0]
    placements = place_spread(weights, 256, 256)
    arrays = arrays_used(placements)
    steps = 0
    for stage in {w.stage for w in weights}:
        own = [w.tiles[:, 3] for w in weights if w.stage == stage]
        count = sum(len(widths) for widths in own)
        steps += -(-count // arrays) * max(int(widths.max()) for widths in own)
    assert most_steps(weights, placements, 1) <= most * steps


def test_full_stages() -> None:
    """Stages of as many tiles as there are arrays, and of fewer, in arrays that are filled in the end."""
    sizes = [16, 10, 16, 6, 16, 16, 7, 9, 16, 16]
    weights = [blocks(size, 64, 64, stage) for stage, size in enumerate(sizes)]
    placements = check(weights, 256, 256)
    assert arrays_used(placements) == 8
    assert most_steps(weights, placements, 1) <= sum(-(-size // 8) * 64 for size in sizes)


def test_several_tiles_of_a_stage_in_an_array_lie_beside_each_other() -> None:
    (placement,) = place_spread([blocks(4, 32, 32)], 256, 256)
    assert sorted(placement.places.tolist()) == [[0, 0, 0], [0, 0, 32], [0, 0, 64], [0, 0, 96]]
    (placement,) = place_spread([blocks(10, 32, 32)], 256, 256)
    assert len({tuple(place) for place in placement.places[:, [0, 1]].tolist()}) == 2
    filled = place_spread([blocks(64, 32, 32), blocks(4, 32, 32, 1)], 256, 256)
    assert arrays_used(filled) == 2


def most_steps(weights: Sequence[WeightTiles], placements: Sequence[Placement], adcs: int) -> int:
    """The most conversions that an ADC of an array does one after the other, summed over the stages."""
    steps: dict[tuple[int, int], int] = {}
    for weight, placement in zip(weights, placements, strict=True):
        for array, width in zip(placement.places[:, 0].tolist(), placement.tiles[:, 3].tolist()):
            steps[weight.stage, array] = steps.get((weight.stage, array), 0) + -(-width // adcs)
    return sum(max(count for (s, _), count in steps.items() if s == stage) for stage in {s for s, _ in steps})


@pytest.mark.parametrize(("name", "share"), [("MiniLM", 0.1), ("32x32", 1.0)])
def test_latency_keeps_the_adcs_of_all_arrays_busy(name: str, share: float) -> None:
    """As many arrays as without it, whole rows, and stages that take as long as their columns shared by all arrays do,
    or (32x32) nearly, because narrower pieces would have to settle more often."""
    weights, bound, _ = NETWORKS[name]
    usual = check(weights, 256, 256)
    fast = check(weights, 256, 256, Goal("latency", bound, 8))
    assert arrays_used(fast) == bound
    assert {h for p in fast for h in p.tiles[:, 2].tolist()} == {h for w in weights for h in w.tiles[:, 2].tolist()}
    assert most_steps(weights, fast, 8) <= share * most_steps(weights, usual, 8)
    columns = [sum(int(w.tiles[:, 3].sum()) for w in weights if w.stage == s) for s in {w.stage for w in weights}]
    assert most_steps(weights, fast, 8) <= sum(-(-c // (8 * bound)) + 3 for c in columns)


@pytest.mark.parametrize(("arrays", "heights"), [(2, {2}), (1, {2, 4})])
def test_latency_cuts_between_rows_where_parts_are_converted_at_once(arrays: int, heights: set[int]) -> None:
    """Tiles of two row groups, which would settle and convert one after the other."""
    works = (Work(1, 1, 8, 2.0), Work(1, 1, 8, 1.0))
    parts = np.array([(0, 0, 0, 2, 4, 1), (0, 2, 0, 2, 4, 1)])
    weight = WeightTiles(np.array([(0, 0, 4, 4)]), True, source=0, works=works, work_of=np.array([0]), parts=parts)
    (placement,) = check([weight], 4, 4, Goal("latency", arrays, 1, Prices(ArrayTimes(10, 1, (1, 2)))))
    assert arrays_used([placement]) == arrays
    assert set(placement.tiles[:, 2].tolist()) <= heights


@pytest.mark.parametrize(("add_pj", "pieces"), [(0.0, 16), (100.0, 8)])
def test_parts_cost_sums(add_pj: float, pieces: int) -> None:
    """Four stages of a tile of two row groups each fill four arrays: both parts are cut in two, to be done in half the
    time, where 5 % of the energy are not needed for one more sum of each column."""
    works = (Work(1, 1, 8, 2.0), Work(1, 1, 8, 1.0))
    parts = np.array([(0, 0, 0, 2, 16, 1), (0, 2, 0, 2, 16, 1)])
    tile, own = np.array([(0, 0, 4, 16)]), np.array([0])
    weights = [WeightTiles(tile, True, i, source=i, works=works, work_of=own, parts=parts) for i in range(4)]
    prices = Prices(ArrayTimes(10, 1, (1, 2)), ArrayCosts(1, (1.0, 1.0), 0.1, 0.0, 0.0, 0.0, add_pj))
    placements = check(weights, 4, 16, Goal("arrays", None, 1, prices))
    assert arrays_used(placements) == 4
    assert sum(len(placement.tiles) for placement in placements) == pieces


def test_latency_takes_more_arrays_if_there_are_more() -> None:
    weights = [blocks(64, 32, 32)]
    for arrays, steps in ((None, 1), (128, 2), (64, 4), (8, 32)):
        placements = check(weights, 256, 256, Goal("latency", arrays, 8))
        assert arrays_used(placements) == (arrays or 256)
        assert most_steps(weights, placements, 8) == steps
    assert arrays_used(check(weights, 256, 256)) == 1


def test_latency_cuts_rows_only_for_a_chip_that_is_too_small() -> None:
    weights = [blocks(40, 144, 144, i) for i in range(5)]
    whole = check(weights, 256, 256, Goal("latency", None, 8))
    assert {h for p in whole for h in p.tiles[:, 2].tolist()} == {144}
    small = check(weights, 256, 256, Goal("latency", 70, 8))
    assert arrays_used(small) <= 70 < arrays_used(whole)


def test_latency_keeps_to_the_chip_where_narrow_pieces_pack_less_well() -> None:
    shapes = [(33, 4, 8, 3), (21, 6, 19, 4), (25, 20, 10, 8), (20, 20, 10, 9), (29, 25, 5, 0), (21, 9, 12, 7)]
    weights = [blocks(*shape, (18, 15)) for shape in shapes]
    assert arrays_used(check(weights, 18, 15, Goal("latency", 68, 5))) == 68


def test_throughput_puts_few_tiles_on_each_other() -> None:
    """With unlimited arrays none, with as many as are needed as many as must be, but equally many everywhere."""
    weights = [blocks(64, 32, 32, 0), blocks(64, 64, 64, 1), blocks(64, 32, 32, 2), blocks(64, 64, 64, 3)]
    assert tiles_on_each_other(check(weights, 256, 256, Goal("throughput"))) == 1
    most = {arrays: tiles_on_each_other(check(weights, 256, 256, Goal("throughput", arrays))) for arrays in (10, 30)}
    assert most[10] <= 8
    assert most[30] <= 2


@pytest.mark.parametrize("objective", ["latency", "throughput"])
def test_odd_widths_are_not_cut_into_single_columns(objective: str) -> None:
    """Pieces are as wide as there are ADCs, but for the ends of tiles and of the room of a height."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(9, 120, (30, 2))
    weights = [blocks(20, int(rows), int(columns), stage) for stage, (rows, columns) in enumerate(sizes)]
    widths = np.concatenate([p.tiles[:, 3] for p in check(weights, 256, 256, Goal(objective, 70, 8))])
    assert np.average(widths, weights=widths) >= 7
    assert len(widths) <= 1.5 * widths.sum() / 8


def test_a_small_chip_still_spreads_the_work() -> None:
    """Rows are cut to fit, and the pieces of a stage lie in many arrays all the same."""
    weights = [blocks(6, 144, 144, stage) for stage in range(20)]
    few = fewest_arrays([w.tiles for w in weights], 256, 256) + 1
    usual, fast = (check(weights, 256, 256, Goal(objective, few, 8)) for objective in ("arrays", "latency"))
    assert arrays_used(fast) <= few
    assert most_steps(weights, fast, 8) < 0.5 * most_steps(weights, usual, 8)


def tiles_on_each_other(placements: Sequence[Placement]) -> int:
    counts: dict[tuple[int, int], int] = {}
    for placement in placements:
        for (array, _, column), width in zip(placement.places.tolist(), placement.tiles[:, 3].tolist()):
            for c in range(column, column + width):
                counts[array, c] = counts.get((array, c), 0) + 1
    return max(counts.values())


def test_nothing_to_place() -> None:
    assert place_spread([], 4, 4) == []


shapes = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 8), st.integers(1, 8)), min_size=1, max_size=8)


@settings(deadline=None)
@given(shapes, st.lists(st.integers(0, 2), min_size=8, max_size=8), st.integers(1, 4), st.integers(0, 20))
def test_any_blocks(some: list[tuple[int, int, int]], stages: list[int], adcs: int, more: int) -> None:
    weights = [blocks(*shape, stage) for shape, stage in zip(some, stages)]
    placements = check(weights, 8, 8)
    for objective in OBJECTIVES:
        check(weights, 8, 8, Goal(objective, None, adcs))
        limit = arrays_used(placements) + more
        assert arrays_used(check(weights, 8, 8, Goal(objective, limit, adcs))) <= limit
    bound = fewest_arrays([w.tiles for w in weights], 8, 8)
    assert arrays_used(placements) <= int(bound * (1 + SLACK)) + 1


@pytest.mark.parametrize("array", [(256, 256), (512, 128), (128, 512), (64, 256)])
def test_mixes_of_shapes_come_close_to_the_bound(array: tuple[int, int]) -> None:
    """1 to 8 kinds of blocks, of sizes that models have or of any size up to twice an array's, 10 to 1000 of each."""
    rng = np.random.default_rng(array)
    for _ in range(8):
        weights: list[WeightTiles] = []
        for stage in range(int(rng.integers(1, 9))):
            usual = (int(rng.choice([16, 32, 48, 63, 64, 65, 96, 100, 144, 160])), int(rng.choice([32, 64, 128, 144])))
            odd = (int(rng.integers(1, 2 * array[0])), int(rng.integers(1, 2 * array[1])))
            shape = usual if rng.integers(2) else odd
            weights.append(blocks(int(10 ** rng.uniform(1, 3)), *shape, stage, array))
        bound = fewest_arrays([w.tiles for w in weights], *array)
        placements = place_spread(weights, *array)
        assert illegal_place(placements, *array) is None
        assert arrays_used(placements) <= bound + max(1, int(SLACK * bound))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8))
def test_blocks_that_divide_an_array_meet_the_bound(some: list[tuple[int, int, int]]) -> None:
    weights = [blocks(count, 1 << rows, 1 << columns, i) for i, (count, rows, columns) in enumerate(some)]
    assert arrays_used(check(weights, 8, 8)) == fewest_arrays([w.tiles for w in weights], 8, 8)


@pytest.mark.parametrize("arrays", [4, 8])
@pytest.mark.parametrize("adcs", [1, 2])
@pytest.mark.parametrize("tiles", [(4, 4), (1, 16), (2, 8)])
def test_latency_cuts_no_finer_than_arrays_need(arrays: int, adcs: int, tiles: tuple[int, int]) -> None:
    """One piece for each array is enough: in more of them the rows would settle more often."""
    (placement,) = check([blocks(*tiles, 16, array=(16, 16))], 16, 16, Goal("latency", arrays, adcs))
    assert len(placement.tiles) == arrays
