"""How long the parameter multiplications of one decoded token take, by mapping and ADCs, and the ADC steps in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from cimc.paper.shapes import NETWORKS, Network
from cimc.paper.workload import GeneratedWeights, StageRun, Workload
from dialects.hardware import ChipAttr
from passes.place_tiles.analysis.placement import arrays_used

ADCS = (4, 8, 16, 32)
"""ADCs of a crossbar: the paper's sensitivity study."""
EQUAL_BITS = 8
"""Bits of every conversion where they are the same for all mappings."""
VARIANTS = (
    ("dense", "linear", "arrays"),
    ("monarch", "sparsemap", "arrays"),
    ("monarch", "densemap", "arrays"),
    ("monarch", "spread", "arrays"),
    ("monarch", "spread", "latency"),
    ("dense", "spread", "latency"),
)
"""Form of the network, mapping, objective: the paper's three, ours, and ours on the dense network for comparison."""


@dataclass(frozen=True)
class Latency:
    """One decoded token of a network under a mapping: stages one after the other, with transfers, permutations and
    additions."""

    network: str
    form: str
    mapping: str
    objective: str
    adcs: int
    arrays: int
    column_steps: int
    """Conversions one after the other: over the stages, the most that one ADC does."""
    equal_bits_us: float
    """Every tile converted at once, to EQUAL_BITS bits."""
    lossless_us: float
    """Row groups and bits by the lossless rule."""


def latencies(
    chip: ChipAttr,
    networks: Sequence[Network] = NETWORKS,
    adcs: Sequence[int] = ADCS,
    numbers: GeneratedWeights | None = None,
) -> Iterator[Latency]:
    """A row for each network, variant and number of ADCs; networks of equal layers take equally long.

    `numbers`, if given, know afterwards what was placed.
    """
    numbers = numbers or GeneratedWeights()
    known: dict[tuple[object, ...], Latency] = {}
    for network in networks:
        for (form, mapping, objective), count in product(VARIANTS, adcs):
            key = (network.layers, form, mapping, objective, count)
            if key not in known:
                chosen = ChipAttr.from_dict({**chip.to_dict(), "adcs": count})
                known[key] = _latency(Workload(network, form, mapping, chosen, objective, numbers))
            yield replace(known[key], network=network.name)


def _latency(workload: Workload) -> Latency:
    equal = list(workload.token(workload.whole_tiles(EQUAL_BITS)))
    lossless = workload.token(workload.lossless())
    return Latency(
        network=workload.network.name,
        form=workload.form,
        mapping=workload.mapping,
        objective=workload.objective,
        adcs=workload.chip.adcs,
        arrays=arrays_used(workload.placements),
        column_steps=sum(column_steps(run, workload.chip.adcs) for run in equal),
        equal_bits_us=sum(run.picoseconds for run in equal) / 1e6,
        lossless_us=sum(run.picoseconds for run in lossless) / 1e6,
    )


def column_steps(run: StageRun, adcs: int) -> int:
    """The most conversions that an ADC of any array does, one after the other, in one plane of a stage."""
    jobs = np.concatenate([product.jobs() for product in run.products])
    activation = np.stack([jobs[:, 0], np.concatenate(run.schedule.starts)], axis=1)
    activations, which = np.unique(activation, axis=0, return_inverse=True)
    columns = np.zeros(len(activations), np.int64)
    np.add.at(columns, which.reshape(-1), jobs[:, 4])
    return int(np.bincount(activations[:, 0], -(-columns // adcs)).max())
