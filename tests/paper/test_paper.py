"""`python -m cimc.paper`: the counts are exactly those that follow from the paper's definitions."""

import json
from pathlib import Path

import pytest

from cimc.paper.__main__ import main
from cimc.paper.counts import claims, counts
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


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "paper.json"
    assert main(["--json", str(file)]) == 0
    assert "BART-large    densemap       672       672          528        78.6%" in capsys.readouterr().out
    assert len(json.loads(file.read_text())["counts"]) == 12


def test_a_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().err
