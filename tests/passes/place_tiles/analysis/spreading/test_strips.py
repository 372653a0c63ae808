"""Plans of strips: room for every column of every height, inside the arrays, nothing on anything else."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from passes.place_tiles.analysis.spreading.strips import Plan, Slot, plan_strips

ROWS = 8


def cells(plan: Plan) -> Counter[tuple[int, int]]:
    """How many slots take each (row, column)."""
    taken: Counter[tuple[int, int]] = Counter()
    for slot in plan.slots:
        taken.update(
            (row, column)
            for row in range(slot.row, slot.row + slot.piece)
            for column in range(slot.column, slot.column + slot.columns)
        )
    return taken


heights = st.dictionaries(st.integers(1, ROWS), st.integers(1, 30), min_size=1, max_size=5)
units = st.dictionaries(st.integers(1, ROWS), st.integers(1, 4), max_size=3)


@given(heights, units, st.integers(0, ROWS), st.none() | st.integers(1, 4))
def test_plans_have_room_for_all(
    demand: dict[int, int], unit: dict[int, int], most_waste: int, most_tiles: int | None
) -> None:
    """Rows that are cut off a tile are one more tile of their height."""
    plan = plan_strips(demand, unit, ROWS, most_waste, most_tiles)
    taken = cells(plan)
    assert set(taken.values()) <= {1}
    assert all(0 <= row < ROWS and 0 <= column < plan.columns for row, column in taken)
    wanted, room = Counter(demand), Counter[int]()
    for slot in plan.slots:
        room[slot.height] += slot.columns
        if slot.piece < slot.height:
            wanted[slot.height - slot.piece] += slot.columns
    assert room == wanted


@given(heights, units, st.none() | st.integers(1, 4))
def test_nothing_is_cut_where_waste_is_put_up_with(
    demand: dict[int, int], unit: dict[int, int], most_tiles: int | None
) -> None:
    plan = plan_strips(demand, unit, ROWS, ROWS, most_tiles)
    assert all(slot.piece == slot.height for slot in plan.slots)


@given(st.dictionaries(st.sampled_from([1, 2, 4, 8]), st.integers(1, 30), min_size=1))
def test_heights_that_divide_each_other_waste_less_than_a_column(demand: dict[int, int]) -> None:
    used = sum(height * columns for height, columns in demand.items())
    assert plan_strips(demand, {}, ROWS, ROWS).columns == -(-used // ROWS)


def test_the_stack_that_fills_the_array_best() -> None:
    """5 and 3 fill 8 rows; the 4 that would stand on 5 alone does not fit."""
    plan = plan_strips({5: 10, 4: 10, 3: 10}, {}, ROWS, ROWS)
    assert plan.slots[:2] == (Slot(5, 5, 0, 0, 10), Slot(3, 3, 5, 0, 10))
    assert plan.slots[2:] == (Slot(4, 4, 0, 10, 5), Slot(4, 4, 4, 10, 5))
    assert plan.columns == 15


def test_rows_are_cut_to_fill_an_array() -> None:
    """One row more than may be wasted: of 5 rows 3 are cut off, and their rest of 2 is a tile of its own."""
    plan = plan_strips({5: 8}, {}, ROWS, 2)
    assert plan.slots[:2] == (Slot(5, 5, 0, 0, 4), Slot(5, 3, 5, 0, 4))
    assert plan.slots[2:] == tuple(Slot(2, 2, row, 4, 1) for row in (0, 2, 4, 6))
    assert plan_strips({5: 8}, {}, ROWS, 3) == Plan((Slot(5, 5, 0, 0, 8),), 8)


def test_strips_are_whole_tiles_wide_where_that_costs_nothing() -> None:
    plan = plan_strips({8: 7, 4: 9}, {4: 4}, ROWS, ROWS)
    widths = [slot.columns for slot in plan.slots if slot.height == 4]
    assert widths == [4, 4, 1]


def test_low_stacks() -> None:
    assert plan_strips({2: 8}, {}, ROWS, ROWS, most_tiles=2).columns == 4
    assert plan_strips({2: 8}, {}, ROWS, ROWS, most_tiles=1).columns == 8
    assert plan_strips({2: 8}, {}, ROWS, ROWS).columns == 2


def test_nothing_to_plan() -> None:
    assert plan_strips({}, {}, ROWS, 0) == Plan((), 0)
