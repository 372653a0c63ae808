"""Time and energy of one decoded token, and the targets that spread is held to."""

import pytest

from cimc.paper.latency import VARIANTS, latencies
from cimc.paper.shapes import NETWORKS
from cimc.paper.totals import Total, totals


@pytest.fixture(scope="module")
def bert() -> dict[tuple[str, str, str], Total]:
    return dict(zip(VARIANTS, totals("pcm-256", NETWORKS[:1]), strict=True))


def test_targets(bert: dict[tuple[str, str, str], Total]) -> None:
    """At least 2.5x less time and 3x less dynamic energy than linear on the dense network, in 9.6x fewer arrays."""
    linear, spread = bert["dense", "linear", "arrays"], bert["monarch", "spread", "arrays"]
    assert linear.parameter_us / spread.parameter_us >= 2.5
    assert linear.parameter_uj / spread.parameter_uj >= 3
    assert linear.arrays / spread.arrays == 9.6


def test_energy_of_linear_by_hand(bert: dict[tuple[str, str, str], Total]) -> None:
    """Cells: 302 M weights, 8 planes, 4 slices; DACs: 4608 arrays of 256 rows, driven as often."""
    components = bert["dense", "linear", "arrays"].components_uj
    weights = 24 * 12 * 1024**2
    assert components["cells"] / weights == pytest.approx(components["cells"] / 301_989_888)
    per_drive = components["dac"] / (4608 * 256 * 32)
    spread = bert["monarch", "spread", "arrays"].components_uj
    assert spread["dac"] == pytest.approx(per_drive * 24 * (8 * 32 * 32 + 4 * 64 * 64) * 32)


def test_the_mappings_of_one_form_do_the_same_work(bert: dict[tuple[str, str, str], Total]) -> None:
    """Where tiles lie changes neither conversions nor cells, so sparsemap, densemap and spread take the same energy."""
    energies = [bert["monarch", mapping, "arrays"].parameter_uj for mapping in ("sparsemap", "densemap", "spread")]
    assert energies == pytest.approx([energies[0]] * 3)
    for form in ("dense", "monarch"):
        assert len({(row.digital_us, row.attention_uj) for (f, _, _), row in bert.items() if f == form}) == 1


def test_parts_add_up(bert: dict[tuple[str, str, str], Total]) -> None:
    from cimc.hardware.library import load_chip

    times = dict(zip(VARIANTS, latencies(load_chip("pcm-256"), NETWORKS[:1], (8,)), strict=True))
    for variant, row in bert.items():
        assert row.parameter_us == times[variant].lossless_us
        assert row.total_us == row.parameter_us + row.digital_us
        assert row.total_uj == pytest.approx(row.parameter_uj + row.digital_uj + row.attention_uj + row.leakage_uj)
        assert row.leakage_uj > 0
