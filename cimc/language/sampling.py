"""The next token from logits: the likeliest, or one drawn by chance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimc.program.errors import ProgramError


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen.

    With `temperature` 0 the likeliest, the first of several. Otherwise one is drawn with the probabilities of
    softmax(logits / temperature), of the likeliest tokens only whose probabilities together reach `top_p`.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


class Sampler:
    """Chooses tokens for so many sequences; sequence i draws as it would alone with seed + i."""

    def __init__(self, sampling: Sampling, batch: int) -> None:
        self.sampling = sampling
        self.generators = [np.random.default_rng(sampling.seed + i) for i in range(batch)]

    def choose(self, logits: NDArray[Any]) -> NDArray[np.int64]:
        """A token for each row of [batch, vocabulary]; ProgramError for logits that are no numbers."""
        numbers = logits.astype(np.float64)
        largest = numbers.max(axis=-1)
        if not np.isfinite(largest).all():
            raise ProgramError(f"the network's largest logit is {largest[~np.isfinite(largest)][0]}: expected a number")
        if self.sampling.temperature == 0:
            return numbers.argmax(axis=-1)
        rows = zip(numbers, self.generators, strict=True)
        return np.array([self._draw(row, generator) for row, generator in rows], np.int64)

    def _draw(self, logits: NDArray[np.float64], generator: np.random.Generator) -> int:
        """Inverts the distribution function over tokens from the likeliest on, cut where it reaches `top_p`."""
        with np.errstate(over="ignore", invalid="ignore"):  # a tiny temperature: all but the likeliest vanish
            below = (logits - logits.max()) / np.float64(self.sampling.temperature)
            weights: NDArray[np.float64] = np.exp(below)
        order = np.argsort(-weights, kind="stable")
        sums: NDArray[np.float64] = np.cumsum(weights[order])
        reached = float(sums[-1]) * self.sampling.top_p
        kept = sums[: int(np.searchsorted(sums, reached)) + 1]
        drawn = int(np.searchsorted(kept, generator.random() * float(kept[-1]), side="right"))
        return int(order[min(drawn, len(kept) - 1)])
