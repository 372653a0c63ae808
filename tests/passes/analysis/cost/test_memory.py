"""Buffers, and the memory of keys and values, by round numbers."""

from dialects.chip.costs import MemoryCosts
from passes.analysis.cost.memory import memory_leakage_uw, memory_pj, memory_ps, memory_um2

COSTS = MemoryCosts(
    buffer_um2=100,
    buffer_byte_pj=0.5,
    buffer_leakage_uw=3,
    memory_bit_pj=4,
    memory_gb_per_s=8,
    memory_leakage_uw=7,
)


def test_buffers_are_of_whole_kib() -> None:
    assert memory_um2(COSTS, 0) == {"buffer": 0}
    assert memory_um2(COSTS, 1024) == {"buffer": 100}
    assert memory_um2(COSTS, 1025) == {"buffer": 200}
    assert memory_leakage_uw(COSTS, 1025, 1) == {"buffer": 6, "memory": 7}
    assert memory_leakage_uw(COSTS, 1025, 0) == {"buffer": 6}


def test_what_is_moved_costs_by_the_byte_and_by_the_bit() -> None:
    assert memory_pj(COSTS, 10, 3) == {"buffer": 5, "memory": 3 * 8 * 4}


def test_reading_takes_whole_picoseconds() -> None:
    assert [memory_ps(COSTS, count) for count in (0, 8, 9)] == [0, 1000, 1125]
    assert memory_ps(MemoryCosts(memory_gb_per_s=3), 1) == 334


def test_what_the_chip_does_not_give_is_left_out() -> None:
    nothing = MemoryCosts()
    assert memory_um2(nothing, 9) == memory_leakage_uw(nothing, 9, 9) == memory_pj(nothing, 9, 9) == {}
    assert memory_ps(nothing, 9) == 0
    assert memory_pj(MemoryCosts(memory_bit_pj=1), 9, 1) == {"memory": 8}
