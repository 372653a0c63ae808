"""`python -m cimc.paper`: the counts are exactly those that follow from the paper's definitions."""

import json
from pathlib import Path

import pytest

from cimc.hardware.library import load_chip
from cimc.paper.__main__ import main
from cimc.paper.counts import claims, counts, operations
from cimc.paper.latency import VARIANTS, Latency, latencies
from cimc.paper.shapes import NETWORKS, Network

EXPECTED = {
    "BERT-large": [4608, 2304, 576, 480],
    "GPT-2-medium": [4608, 2304, 576, 480],
    "BART-large": [5376, 2688, 672, 528],
}
"""Arrays of 256x256: linear (of the dense network), sparsemap, densemap, spread."""


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_arrays(network: Network) -> None:
    rows = counts(network)
    assert [row.mapping for row in rows] == ["linear", "sparsemap", "densemap", "spread"]
    assert [row.arrays for row in rows] == EXPECTED[network.name] == [row.arrays_expected for row in rows]
    assert rows[-1].arrays == rows[-1].arrays_lower_bound
    assert rows[-1].utilization == 1.0


def test_claims() -> None:
    found = {claim.what: claim for claim in claims([row for network in NETWORKS for row in counts(network)])}
    assert found["fewer arrays, sparsemap than linear"].found == 0.5
    assert found["fewer arrays, densemap than linear"].found == 0.875
    assert found["fewer arrays, densemap than sparsemap"].found == 0.75
    assert round(found["utilisation of densemap"].found, 3) == 0.817


@pytest.mark.parametrize(("number", "ratio"), [(0, 5.78), (1, 4.31), (2, 3.89)])
def test_operations(number: int, ratio: float) -> None:
    """BERT-large: 24 * (12 n^2 + 2 * 512 n), of which the weights of the Monarch form are 24 * (8 n 32 + 16 n 128)."""
    network = NETWORKS[number]
    assert round(operations(network, monarch=False) / operations(network, monarch=True), 2) == ratio


def test_operations_by_hand() -> None:
    attention = 24 * 2 * 512 * 1024
    assert operations(NETWORKS[0], monarch=False) == 24 * 12 * 1024**2 + attention
    assert operations(NETWORKS[0], monarch=True) == 24 * (4 * 2 * 32**3 + 2 * 2 * 64**3) + attention


@pytest.fixture(scope="module")
def bert() -> dict[tuple[str, str, str], Latency]:
    """BERT-large with 8 ADCs, by form, mapping and objective."""
    rows = list(latencies(load_chip("pcm-256"), NETWORKS[:1], (8,)))
    return dict(zip(VARIANTS, rows, strict=True))


def test_column_steps(bert: dict[tuple[str, str, str], Latency]) -> None:
    steps = {(form, mapping): row.column_steps for (form, mapping, goal), row in bert.items() if goal == "arrays"}
    assert steps == {
        ("dense", "linear"): 3072,
        ("monarch", "sparsemap"): 6144,
        ("monarch", "densemap"): 24576,
        ("monarch", "spread"): 1152,
    }


def test_latency_of_linear_by_hand(bert: dict[tuple[str, str, str], Latency]) -> None:
    """96 stages of 8 planes, 12.5 ns and 32 conversions of 18.493 ns each, and two transfers of 10 ns.

    Partial sums are added in rounds of 10 ns on 4 units, in vectors of 512: those of 3 matrices with 4 rows of tiles
    (3 * 2 * 3 additions), of one (2 * 3), of one of four times the width (8 * 3), of one of four times the height
    (2 * 15).
    """
    stage = 8 * (12.5 + 32 * 18.493) + 20
    rounds = 5 + 2 + 6 + 8
    assert bert["dense", "linear", "arrays"].equal_bits_us * 1000 == pytest.approx(96 * stage + 24 * rounds * 10)


def test_spread_takes_less_time(bert: dict[tuple[str, str, str], Latency]) -> None:
    linear, sparsemap = bert["dense", "linear", "arrays"], bert["monarch", "sparsemap", "arrays"]
    spread, fast = bert["monarch", "spread", "arrays"], bert["monarch", "spread", "latency"]
    assert spread.equal_bits_us <= 0.45 * sparsemap.equal_bits_us
    assert spread.equal_bits_us <= 0.8 * linear.equal_bits_us
    assert spread.lossless_us / linear.lossless_us < spread.equal_bits_us / linear.equal_bits_us
    assert spread.lossless_us <= linear.lossless_us / 2.5
    assert fast.arrays == spread.arrays == 480
    assert fast.lossless_us < spread.lossless_us


def test_more_adcs_are_never_slower() -> None:
    rows = list(latencies(load_chip("pcm-256"), NETWORKS[2:], (4, 32)))
    for variant in VARIANTS:
        times = [row.lossless_us for row in rows if (row.form, row.mapping, row.objective) == variant]
        assert times == sorted(times, reverse=True)
        assert len(times) == 2


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "paper.json"
    assert main(["--json", str(file), "--figures", str(tmp_path / "new" / "figures"), "--network", "GPT-2-medium"]) == 0
    text = capsys.readouterr().out
    assert "GPT-2-medium  densemap       576       576          480        83.3%" in text
    assert "GPT-2-medium  monarch  spread     arrays        480    1152" in text
    assert "Nothing is fitted to them." in text
    found = json.loads(file.read_text())
    assert (len(found["counts"]), len(found["latencies"]), len(found["totals"])) == (4, 24, 6)
    assert len(list((tmp_path / "new" / "figures").iterdir())) == 5


def test_a_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["--figures", str(tmp_path / "file")]) == 1
    assert f"{tmp_path / 'file'}: cannot be made: file exists" in capsys.readouterr().err
