"""Arrays and utilisation of the paper's networks under each mapping."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from cimc.paper.shapes import Network, dense_tiles, monarch_tiles
from passes.place_tiles.analysis.placement import arrays_used, cells_of_tiles, fewest_arrays
from passes.place_tiles.analysis.table import MAPPINGS

SIDE = 256
"""Rows and columns of the paper's arrays."""


@dataclass(frozen=True)
class Count:
    """What one network needs under one mapping, and what it must come to by the paper's definitions."""

    network: str
    mapping: str
    arrays: int
    arrays_expected: int
    arrays_lower_bound: int
    utilization: float


@dataclass(frozen=True)
class Claim:
    """A figure that the paper reports for all three networks together, and ours; both as shares."""

    what: str
    found: float
    reported: float


def counts(network: Network) -> list[Count]:
    """A row a mapping: `linear` of the dense network, the others of its Monarch form, as in the paper."""
    rows: list[Count] = []
    for mapping, place in MAPPINGS.items():
        weights = dense_tiles(network, SIDE) if mapping == "linear" else monarch_tiles(network, SIDE)
        tables = [weight.tiles for weight in weights]
        arrays = arrays_used(place(weights, SIDE, SIDE))
        rows.append(
            Count(
                network=network.name,
                mapping=mapping,
                arrays=arrays,
                arrays_expected=network.arrays[mapping],
                arrays_lower_bound=fewest_arrays(tables, SIDE, SIDE),
                utilization=cells_of_tiles(tables) / (arrays * SIDE * SIDE),
            )
        )
    return rows


def parameters(network: Network, monarch: bool) -> int:
    """Weights of the products of all layers; embeddings, biases and the head are not among them."""
    make = monarch_tiles if monarch else dense_tiles
    return cells_of_tiles([weight.tiles for weight in make(network, SIDE)])


def operations(network: Network, monarch: bool) -> int:
    """Multiply-accumulates a token: by weights, and by the keys and values of the tokens that it attends to.

    Every step with several weights (Q, K and V, or K and V of cross attention) belongs to one attention over `context`
    tokens, with `context * n` multiply-accumulates for the scores and as many for the values.
    """
    attention = sum(2 * network.context * step[0][1] for step in network.steps() if len(step) > 1)
    return parameters(network, monarch) + attention


def claims(rows: Sequence[Count]) -> list[Claim]:
    """The ratios of arXiv 2510.11192, each as a mean over the networks."""

    def fewer(mapping: str, than: str) -> float:
        pairs = zip((r for r in rows if r.mapping == mapping), (r for r in rows if r.mapping == than))
        return fmean(1 - a.arrays / b.arrays for a, b in pairs)

    return [
        Claim("fewer arrays, sparsemap than linear", fewer("sparsemap", "linear"), 0.50),
        Claim("fewer arrays, densemap than linear", fewer("densemap", "linear"), 0.87),
        Claim("fewer arrays, densemap than sparsemap", fewer("densemap", "sparsemap"), 0.73),
        Claim("utilisation of densemap", fmean(r.utilization for r in rows if r.mapping == "densemap"), 0.788),
    ]
