"""Arrays, utilisation and operations: exactly those that follow from the paper's definitions."""

import pytest

from cimc.paper.counts import Count, claims, counts, operations, parameters
from cimc.paper.shapes import NETWORKS, Network

EXPECTED = {
    "BERT-large": [4608, 2304, 576, 480],
    "GPT-2-medium": [4608, 2304, 576, 480],
    "BART-large": [5376, 2688, 672, 528],
}
"""Arrays of 256x256: linear (of the dense network), sparsemap, densemap, spread."""


@pytest.fixture(scope="module")
def rows_of() -> dict[str, list[Count]]:
    """By network."""
    return {network.name: counts(network) for network in NETWORKS}


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_arrays(network: Network, rows_of: dict[str, list[Count]]) -> None:
    rows = rows_of[network.name]
    assert [row.mapping for row in rows] == ["linear", "sparsemap", "densemap", "spread"]
    assert [row.arrays for row in rows] == EXPECTED[network.name] == [row.arrays_expected for row in rows]
    assert rows[-1].arrays == rows[-1].arrays_lower_bound
    assert rows[-1].utilization == 1.0


def test_claims(rows_of: dict[str, list[Count]]) -> None:
    found = {claim.what: claim for claim in claims([row for rows in rows_of.values() for row in rows])}
    assert found["fewer arrays, sparsemap than linear"].found == 0.5
    assert found["fewer arrays, densemap than linear"].found == 0.875
    assert found["fewer arrays, densemap than sparsemap"].found == 0.75
    assert round(found["utilisation of densemap"].found, 3) == 0.817


@pytest.mark.parametrize(("number", "ratio"), [(0, 5.78), (1, 4.31), (2, 3.89)])
def test_operations(number: int, ratio: float) -> None:
    """BERT-large: 24 * (12 n^2 + 2 * 512 n), of which the weights of the Monarch form are 24 * (8 n 32 + 16 n 128)."""
    network = NETWORKS[number]
    assert round(operations(network, monarch=False) / operations(network, monarch=True), 2) == ratio


def test_parameters_by_hand() -> None:
    """12 n^2 weights a layer; pairs of 32 blocks of 32x32 for 4 weights, of 64 of 64x64 for 2: 9.6x fewer."""
    assert parameters(NETWORKS[0], monarch=False) == 24 * 12 * 1024**2
    assert parameters(NETWORKS[0], monarch=True) == 24 * (4 * 2 * 32**3 + 2 * 2 * 64**3)


def test_operations_by_hand() -> None:
    attention = 24 * 2 * 512 * 1024
    assert operations(NETWORKS[0], monarch=False) == 24 * 12 * 1024**2 + attention
    assert operations(NETWORKS[0], monarch=True) == 24 * (4 * 2 * 32**3 + 2 * 2 * 64**3) + attention
