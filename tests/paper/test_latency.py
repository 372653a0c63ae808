"""Time of one decoded token by mapping and ADCs, some of it worked out by hand."""

from collections.abc import Mapping

import pytest

from cimc.hardware.library import load_chip
from cimc.paper.latency import VARIANTS, Latency, latencies
from cimc.paper.shapes import NETWORKS, Network

Times = Mapping[tuple[str, str, str], Latency]


def test_column_steps(times_of_bert: Times) -> None:
    steps = {
        (form, mapping): row.column_steps for (form, mapping, goal), row in times_of_bert.items() if goal == "arrays"
    }
    assert steps == {
        ("dense", "linear"): 3072,
        ("monarch", "sparsemap"): 6144,
        ("monarch", "densemap"): 6144,
        ("monarch", "spread"): 1043,
    }


def test_latency_of_linear_by_hand(times_of_bert: Times) -> None:
    """96 stages of 8 planes, 12.5 ns and 32 conversions of 18.493 ns each, and two transfers of 10 ns.

    Partial sums are added in rounds of 10 ns on 4 units, in vectors of 512: those of 3 matrices with 4 rows of tiles
    (3 * 2 * 3 additions), of one (2 * 3), of one of four times the width (8 * 3), of one of four times the height
    (2 * 15).
    """
    stage = 8 * (12.5 + 32 * 18.493) + 20
    rounds = 5 + 2 + 6 + 8
    assert times_of_bert["dense", "linear", "arrays"].equal_bits_us * 1000 == pytest.approx(
        96 * stage + 24 * rounds * 10
    )


def test_spread_takes_less_time(times_of_bert: Times) -> None:
    linear, sparsemap = times_of_bert["dense", "linear", "arrays"], times_of_bert["monarch", "sparsemap", "arrays"]
    spread, fast = times_of_bert["monarch", "spread", "arrays"], times_of_bert["monarch", "spread", "latency"]
    assert spread.equal_bits_us <= 0.45 * sparsemap.equal_bits_us
    assert spread.equal_bits_us <= 0.8 * linear.equal_bits_us
    assert spread.lossless_us / linear.lossless_us < spread.equal_bits_us / linear.equal_bits_us
    assert spread.lossless_us <= linear.lossless_us / 2.5
    assert fast.arrays == spread.arrays == 480
    assert fast.lossless_us < spread.lossless_us


def test_more_adcs_are_never_slower() -> None:
    short = Network("two layers", NETWORKS[2].layers[:2], {}, NETWORKS[2].context)
    rows = list(latencies(load_chip("pcm-256"), [short], (4, 32)))
    for variant in VARIANTS:
        times = [row.lossless_us for row in rows if (row.form, row.mapping, row.objective) == variant]
        assert times == sorted(times, reverse=True)
        assert len(times) == 2
