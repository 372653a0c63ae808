"""One decoded token of BERT-large with 8 ADCs, which takes seconds to place: by form, mapping and objective."""

from collections.abc import Mapping

import pytest

from cimc.hardware.library import load_chip
from cimc.paper.latency import VARIANTS, Latency, latencies
from cimc.paper.shapes import NETWORKS
from cimc.paper.totals import Total, totals
from cimc.paper.workload import GeneratedWeights

Variant = tuple[str, str, str]


@pytest.fixture(scope="session")
def numbers() -> GeneratedWeights:
    """What both share."""
    return GeneratedWeights()


@pytest.fixture(scope="session")
def times_of_bert(numbers: GeneratedWeights) -> Mapping[Variant, Latency]:
    rows = list(latencies(load_chip("pcm-256"), NETWORKS[:1], (8,), numbers))
    return dict(zip(VARIANTS, rows, strict=True))


@pytest.fixture(scope="session")
def totals_of_bert(times_of_bert: Mapping[Variant, Latency], numbers: GeneratedWeights) -> Mapping[Variant, Total]:
    """After the times, whose placements it takes."""
    assert times_of_bert
    return dict(zip(VARIANTS, totals("pcm-256", NETWORKS[:1], numbers), strict=True))
