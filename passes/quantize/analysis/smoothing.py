"""Channels of activations scaled so that large ones do not take the resolution of all others (SmoothQuant).

arXiv 2211.10438: where channel j is divided by s[j] and row j of the weights multiplied by it, products are the same,
and outliers move into the weights, which have a scale for each column. Here s is a power of two: nothing is rounded.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STRENGTHS = (0.0, 0.25, 0.5, 0.75)
"""How much of the outliers moves into the weights; 0 leaves all as it is."""
_CREST = 9.0
"""The largest square of a channel to the mean of its squares, as of Gaussian numbers; of the right order is enough."""


def smoothing(
    largest: Floats, rows: Sequence[Floats], columns: Sequence[npt.NDArray[np.floating]], weight_bits: int, bits: int
) -> tuple[float, Floats]:
    """The strength, and the divisors [channels] of an activation, powers of two, with which its products lose least.

    `largest` [channels] are the largest magnitudes of the activation, `rows` the largest of each row of each of its
    weights, `columns` the weights [channels, columns] themselves. Errors are those of uniform rounding: of activations
    to `bits` bits in the range of a token, of weights to `weight_bits` bits in that of a column.
    """
    tried = [(strength, divisors(largest, np.max(rows, axis=0), strength)) for strength in STRENGTHS]
    losses = [_loss(largest, columns, divisor, weight_bits, bits) for _, divisor in tried]
    return tried[int(np.argmin(losses))]


def divisors(largest: Floats, rows: Floats, strength: float) -> Floats:
    """`largest^strength / rows^(1 - strength)` as powers of two with a mean exponent of 0; 1 for channels of zeros."""
    alive = (largest > 0) & (rows > 0)
    if not strength or not alive.any():
        return np.ones_like(largest)
    exponents = np.zeros_like(largest)
    exponents[alive] = strength * np.log2(largest[alive]) - (1 - strength) * np.log2(rows[alive])
    exponents[alive] -= exponents[alive].mean()
    return np.exp2(np.clip(np.rint(exponents), -_MOST, _MOST))


def _loss(
    largest: Floats, weights: Sequence[npt.NDArray[np.floating]], divisor: Floats, weight_bits: int, bits: int
) -> float:
    """The sum of squared errors of the products of a token, up to a factor."""
    energy = (largest / divisor) ** 2 / _CREST
    step = 2 * (largest / divisor).max(initial=0) / ((1 << bits) - 1)
    total = 0.0
    for weight in weights:
        scaled = weight * divisor[:, None]
        steps = 2 * np.abs(scaled).max(axis=0, initial=0) / ((1 << weight_bits) - 2)
        total += step**2 * float((scaled**2).sum()) + float(energy.sum()) * float((steps**2).sum())
    return total


_MOST = 20
"""Of an exponent: no number that is not tiny or huge to begin with leaves the range of float32."""
