"""How well a network predicts a text: the surprise at each token, and perplexity and bits per byte of all of them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ELEMENTS = 1 << 22
"""Logits that are looked at together: as float64 they take 32 MiB, however long windows and vocabulary are."""


@dataclass(frozen=True)
class Score:
    """What a network makes of a text: `nats` is the sum of the surprises at `tokens` tokens, which are `size` bytes."""

    nats: float
    tokens: int
    size: int
    unknown: int = 0
    """At how many tokens the logits say nothing, so that the figures are NaN."""

    @property
    def perplexity(self) -> float:
        """e to the mean surprise: among how many equally likely tokens the network chooses, as it were."""
        mean = self.nats / self.tokens
        return math.exp(mean) if mean < 700 else mean * math.inf

    @property
    def bits_per_byte(self) -> float:
        """The bits that it takes to tell a byte of the text to one who has the network; for any vocabulary the same."""
        return self.nats / math.log(2) / self.size if self.size else math.nan


def score_of(surprises: Iterable[float], size: int) -> Score:
    """The score of tokens with these surprises, in nats, that spell so many bytes; the sum is exact, then rounded."""
    values = list(surprises)
    total = math.fsum(values) if all(map(math.isfinite, values)) else float(sum(values))
    return Score(total, len(values), size, sum(map(math.isnan, values)))


def surprises_at(logits: NDArray[Any], ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """-ln of the probability that logits [..., vocabulary] give to the tokens [...], in float64.

    NaN where the logits say nothing: they hold NaN, or all are infinite.
    """
    rows, chosen = logits.reshape(-1, logits.shape[-1]), ids.reshape(-1)
    surprises = np.empty(len(rows), np.float64)
    step = max(1, _ELEMENTS // rows.shape[1])
    with np.errstate(invalid="ignore"):  # infinity - infinity
        for first in range(0, len(rows), step):
            part = rows[first : first + step].astype(np.float64)
            part -= part.max(axis=1, keepdims=True)
            own = part[np.arange(len(part)), chosen[first : first + step]]
            surprises[first : first + step] = np.log(np.exp(part).sum(axis=1)) - own
    return surprises.reshape(ids.shape)
