"""The networks of arXiv 2510.11192 by shape: weights of each stage, dense and as Monarch pairs; no numbers in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

import numpy as np
import numpy.typing as npt

from passes.analysis.tiling import block_tiles, grid_tiles
from passes.place_tiles.analysis.placement import WeightTiles

Step = tuple[tuple[int, int], ...]
"""Shapes [in, out] of the weights that multiply at the same time."""


@dataclass(frozen=True)
class Network:
    """Layers as rows of steps, one after the other, and the arrays of 256x256 that each mapping must come to.

    The paper gives ratios, not counts; the counts follow from its definitions. Linear is of the dense network. A token
    attends to `context` others.
    """

    name: str
    layers: tuple[tuple[Step, ...], ...]
    arrays: dict[str, int]
    context: int

    def steps(self) -> Iterator[Step]:
        return (step for layer in self.layers for step in layer)


_N = 1024
_ATTENTION: tuple[Step, ...] = (((_N, _N),) * 3, ((_N, _N),))
_FEED_FORWARD: tuple[Step, ...] = (((_N, 4 * _N),), ((4 * _N, _N),))
_CROSS_ATTENTION: tuple[Step, ...] = (((_N, _N),) * 2, ((_N, _N),), ((_N, _N),))
"""Keys and values of what the encoder said, then the query, then the output."""
_ENCODER = (*_ATTENTION, *_FEED_FORWARD)
_DECODER = (*_ATTENTION, *_CROSS_ATTENTION, *_FEED_FORWARD)
_PLAIN = {"linear": 4608, "sparsemap": 2304, "densemap": 576, "spread": 480}

NETWORKS = (
    Network("BERT-large", (_ENCODER,) * 24, _PLAIN, context=512),
    Network("GPT-2-medium", (_ENCODER,) * 24, _PLAIN, context=1024),
    Network(
        "BART-large",
        (_ENCODER,) * 12 + (_DECODER,) * 12,
        {"linear": 5376, "sparsemap": 2688, "densemap": 672, "spread": 528},
        context=1024,
    ),
)


def dense_tiles(network: Network, side: int) -> list[WeightTiles]:
    """The tiles of the dense network on arrays of `side` x `side`."""
    return [
        WeightTiles(grid_tiles(rows, columns, side, side), dense=True, stage=stage)
        for stage, step in enumerate(network.steps())
        for rows, columns in step
    ]


def monarch_tiles(network: Network, side: int) -> list[WeightTiles]:
    """The tiles of its Monarch form: each weight, padded to a square, is two factors of sqrt(n) blocks."""
    factors: list[WeightTiles] = []
    for stage, step in enumerate(network.steps()):
        for rows, columns in step:
            blocks = square_blocks(max(rows, columns))
            for second in (False, True):
                factors.append(WeightTiles(block_tiles(blocks, side, side), False, 2 * stage + second, second))
    return factors


def square_blocks(n: int) -> npt.NDArray[np.int64]:
    """The blocks of a factor of side n, `b = sqrt(n)` of `b x b`: (first row, first column, rows, columns)."""
    b = isqrt(n)
    assert b * b == n
    first, size = np.arange(b) * b, np.full(b, b)
    return np.stack([first, first, size, size], axis=1).astype(np.int64)
