"""The paper's latencies from scheduled programs: as far as they follow, and by hand."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from cimc.hardware.library import load_chip, read_chip_file
from cimc.paper.counts import counts
from cimc.paper.shapes import NETWORKS
from cimc.paper.speedups import CHIP, DENSEMAP, REPORTED, VARIANTS, Speedup, Speedups

Rows = Mapping[tuple[str, int], Speedup]


@pytest.fixture(scope="module")
def programs() -> Speedups:
    return Speedups()


@pytest.fixture(scope="module")
def bert(programs: Speedups) -> Rows:
    """By mapping and ADCs."""
    return {(row.mapping, row.adcs): row for row in programs.rows((8, 32), VARIANTS[:3])}


def test_latencies_of_the_paper_follow(bert: Rows) -> None:
    """At 8 ADCs by the two fitted times; that few ADCs favour densemap, and sparsemap is best at 32, without more."""

    def factor(mapping: str, adcs: int) -> float:
        return bert["linear", adcs].serial_us / bert[mapping, adcs].serial_us

    for mapping, reported in REPORTED.items():
        assert factor(mapping, 8) == pytest.approx(reported, abs=0.006)
    assert factor("densemap", 8) > factor("sparsemap", 8)
    assert factor("densemap", 32) < factor("sparsemap", 32)


def test_latency_by_hand(bert: Rows) -> None:
    """Settling 2.6 ns, 0.19 ns a bit, and two transfers of 10 ns a stage; additions in rounds of 10 ns on 4 units.

    Partial sums are added 256 columns at once: of 3 matrices 3 * 4 * 3 times, of one 4 * 3, of one of four times the
    width 16 * 3, of one of four times the height 4 * 15. A diagonal of densemap takes 4 activations, of 64 columns.
    """
    rounds = (36 + 12 + 48 + 60) / 4
    for adcs in (8, 32):
        linear = 4 * (2.6 + 256 // adcs * 8 * 0.19 + 20) + 10 * rounds
        sparsemap = 8 * (2.6 + 256 // adcs * 5 * 0.19 + 20)
        densemap = 8 * (4 * (2.6 + 64 // adcs * 3 * 0.19) + 20)
        for mapping, layer in (("linear", linear), ("sparsemap", sparsemap), ("densemap", densemap)):
            assert 1000 * bert[mapping, adcs].serial_us == pytest.approx(24 * layer)


def test_more_of_densemap_takes_as_long_a_layer(bert: Rows, programs: Speedups) -> None:
    """So two layers stand for all."""
    three = programs.row(replace(DENSEMAP, layers=3), {})
    assert three.serial_us == pytest.approx(bert["densemap", 8].serial_us)
    assert three.arrays == bert["densemap", 8].arrays


def test_data_flow_is_no_slower(bert: Rows) -> None:
    """But for 4 permutations a layer, which move vectors."""
    for row in bert.values():
        moved = 24 * 4 * 10 / 1000 if row.mapping != "linear" else 0
        assert 0 < row.flow_us <= row.serial_us + moved + 1e-9


def test_arrays_are_those_of_the_network(bert: Rows) -> None:
    assert {row.mapping: row.arrays for row in counts(NETWORKS[0])[:3]} == {
        row.mapping: row.arrays for row in bert.values() if row.adcs == 8
    }


def test_the_gain_is_additions_of_partial_sums(programs: Speedups) -> None:
    additions, bits = programs.conditions()
    assert additions.sparsemap is not None
    assert additions.densemap is not None
    assert additions.sparsemap < additions.densemap < 1
    assert bits.sparsemap is None
    assert bits.densemap is not None
    assert 1 < bits.densemap < REPORTED["sparsemap"]


def test_what_is_fitted_says_so() -> None:
    file = read_chip_file(CHIP)
    assert [key for key, source in file.sources.items() if "fitted" in source and key != "adcs"] == [
        "settle_ns",
        "adc_step_ns",
    ]
    assert (load_chip(CHIP).planes(signed=False), load_chip(CHIP).slices, load_chip(CHIP).adcs) == (1, 1, 8)
