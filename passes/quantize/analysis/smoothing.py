"""Channels of activations scaled so that large ones do not take the resolution of all others (SmoothQuant).

arXiv 2211.10438: where channel j is divided by s[j] and row j of the weights multiplied by it, products are the same,
and outliers move into the weights, which have a scale for each column. Here s is a power of two: nothing is rounded.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]

STRENGTHS = (0.0, 0.25, 0.5, 0.75)
"""How much of the outliers moves into the weights; 0 leaves all as it is."""
_CREST = 9.0
"""The largest square of a channel to the mean of its squares, as of Gaussian numbers; of the right order is enough."""


def smoothing(largest: Floats, weights: Sequence[Matrix], weight_bits: int, bits: int) -> tuple[float, Floats]:
    """The strength, and the divisors [channels] of an activation, powers of two, with which its products lose least.

    `largest` [channels] are the largest magnitudes of the activation, `weights` float32 [channels, columns] what it
    multiplies. Errors are those of uniform rounding: of activations to `bits` bits in the range of a token, of weights
    to `weight_bits` bits in that of a column.
    """
    magnitudes = [np.abs(weight) for weight in weights]
    energy = np.sum([np.einsum("rc,rc->r", m, m, dtype=np.float64) for m in magnitudes], axis=0)
    rows = np.max([m.max(axis=1, initial=0) for m in magnitudes], axis=0).astype(np.float64)
    tried = [(strength, divisors(largest, rows, strength)) for strength in STRENGTHS]
    losses = [
        _activation_loss(largest / divisor, energy * divisor**2, bits)
        + _weight_loss(largest / divisor, magnitudes, divisor, weight_bits)
        for _, divisor in tried
    ]
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


def _activation_loss(largest: Floats, energy: Floats, bits: int) -> float:
    """The squared error of a token's products by rounding it, up to a factor; `energy` is that of the weights' rows."""
    step = 2 * float(largest.max(initial=0)) / ((1 << bits) - 1)
    return step**2 * float(energy.sum())


def _weight_loss(largest: Floats, magnitudes: Sequence[Matrix], divisor: Floats, bits: int) -> float:
    """The same by rounding the weights, whose rows are multiplied by `divisor`."""
    factor, total = divisor.astype(np.float32)[:, None], 0.0
    for matrix in magnitudes:
        for first in range(0, matrix.shape[1], _TOGETHER):
            ends = (matrix[:, first : first + _TOGETHER] * factor).max(axis=0, initial=0).astype(np.float64)
            total += float(np.square(2 * ends / ((1 << bits) - 2)).sum())
    return total * float(np.square(largest).sum()) / _CREST


_TOGETHER = 1 << 10
"""Columns that are looked at together."""
_MOST = 20
"""Of an exponent: no number that is not tiny or huge to begin with leaves the range of float32."""
