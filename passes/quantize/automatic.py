"""Bits for each weight: as few crossbars as a budget of quality allows."""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dialects.chip.formats import MOST_BITS, Format
from dialects.cim import MatmulOp, WeightOp
from dialects.hardware import MODULE_KEY, chip_of
from passes.quantize.analysis.choices import WEIGHT_BITS, Resolution
from passes.quantize.analysis.choosing import Option, Step, squared_errors, steps_of, within
from passes.quantize.calibrated import Known, calibrated, moments_of, nearest_error
from passes.quantize.float_weights import FloatWeights
from passes.quantize.rounded_network import farthest, outputs_on, rounded
from passes.rewriting.calibration.moments import KEPT, Doubles

MOST_RUNS = 4
"""Of the network with rounded weights; each but the last corrects how far errors of weights move its outputs."""
_SPARE = 0.95
"""Of the budget, what is aimed at after the first run."""
_NEAR = 0.92
"""Of the budget, what is good enough."""
_MOST_LOST = 0.5
"""Relative error of one weight, where the budget is not larger: beyond it errors do not add up as small ones do, and
the largest weight, which saves most, would lose all that it says."""


@dataclass(frozen=True)
class Automatic:
    """What is asked for: rows that share a scale in weights of fewer than 8 bits, relative error, and inputs (.npz).

    With inputs the budget is for the outputs of the network: the error of each (`farthest`), in floats but for weights.
    Without, for the weights: the root of the mean of their squared relative errors.
    """

    group: int | None
    budget: float
    calibration: str | None

    def chosen(self, weights: FloatWeights, matmuls: Sequence[MatmulOp]) -> FloatWeights:
        """The same, with a resolution for each weight; `matmuls` are those of the network, which must be as it came.

        UserError as from `calibrated`.
        """
        kept: dict[str, Doubles] = {}
        options = self._options(weights, matmuls, kept)
        if not options:
            return weights
        steps = steps_of(options)
        totals = squared_errors(options, steps)
        most = self.budget**2 * len(options)
        if self.calibration is None:
            return self._taken(weights, options, steps[: within(totals, most)], None)
        exact, known = outputs_on(weights.network, self.calibration), Known(kept)
        best, best_error, most_taken = self._taken(weights, options, [], None), None, -1
        for _ in range(MOST_RUNS):
            count = within(totals, most)
            tried = calibrated(self._taken(weights, options, steps[:count], None), matmuls, self.calibration, known)
            error = farthest(outputs_on(rounded(tried, options), self.calibration), exact)
            if error <= self.budget and count > most_taken:
                best, best_error, most_taken = tried, error, count
            is_near = _NEAR * self.budget <= error <= self.budget
            if is_near or count == (len(steps) if error <= self.budget else 0) or not np.isfinite(error):
                break
            most = totals[count] * (_SPARE * self.budget / max(error, 1e-9)) ** 2
        chosen = self._taken(best, options, steps[: max(0, most_taken)], best_error)
        return replace(best, choices=chosen.choices)

    def _taken(
        self,
        weights: FloatWeights,
        options: Mapping[str, Sequence[Option]],
        steps: Sequence[Step],
        error: float | None,
    ) -> FloatWeights:
        """Resolutions after some steps, and what is said of them."""
        taken = {symbol: own[0] for symbol, own in options.items()} | {step.symbol: step.fewer for step in steps}
        others = {symbol: _resolution(option.bits, self.group) for symbol, option in taken.items()}
        whole = "" if error is None else f", together {error:.3g} of the outputs"
        choices = {
            symbol: f"{option.bits} bits: nearest integers lose {option.error**0.5:.3g} of it or its products{whole}"
            for symbol, option in taken.items()
        }
        return replace(weights, others=others, choices=choices)

    def _options(
        self, weights: FloatWeights, matmuls: Sequence[MatmulOp], kept: dict[str, Doubles]
    ) -> dict[str, list[Option]]:
        """What each weight takes and loses with 8 bits, 6 bits and so on, in the order of the network.

        Moments are `kept` up to a gigabyte of them, for later.
        """
        symbols = list(dict.fromkeys(m.symbol for m in matmuls if weights.network.weight(m.symbol).affine is None))
        errors = dict(self._errors(weights, matmuls, symbols, kept))
        return {
            symbol: [
                Option(bits, _slices(weights, bits) * _cells(weights.network.weight(symbol)), error**2)
                for bits, error in errors[symbol].items()
                if bits == MOST_BITS or error <= max(_MOST_LOST, self.budget)
            ]
            for symbol in symbols
            if symbol in errors
        }

    def _errors(
        self, weights: FloatWeights, matmuls: Sequence[MatmulOp], symbols: Sequence[str], kept: dict[str, Doubles]
    ) -> Iterator[tuple[str, dict[int, float]]]:
        """The relative error that the nearest integers of so many bits make in each weight, or in its products."""
        known: set[str] = set()
        at = {bits: replace(weights, resolution=_resolution(bits, self.group)) for bits in WEIGHT_BITS}
        if self.calibration is not None:
            for symbol, moments in moments_of(weights, matmuls, self.calibration):
                known.add(symbol)
                total = sum(array.nbytes for array in {id(a): a for a in kept.values()}.values())
                if total + moments.nbytes <= KEPT:
                    kept[symbol] = moments
                with contextlib.suppress(OverflowError):  # said where the weight is replaced
                    yield symbol, {bits: nearest_error(own.source(symbol), moments) for bits, own in at.items()}
        for symbol in symbols:
            if symbol not in known:
                with contextlib.suppress(OverflowError):
                    yield symbol, {bits: nearest_error(own.source(symbol), None) for bits, own in at.items()}


def _resolution(bits: int, group: int | None) -> Resolution:
    return Resolution(bits, None if bits == MOST_BITS else group)


def _slices(weights: FloatWeights, bits: int) -> int:
    """Crossbars of an array of weights of so many bits on the chip; where none is named, with cells of one bit."""
    module = weights.network.module
    if MODULE_KEY not in module.attributes:
        return bits
    chip = chip_of(module)
    return Format(bits, chip.default_format.encoding).slices(chip.cell_bits)


def _cells(weight: WeightOp) -> int:
    """How many numbers the weight has that are not zero by structure."""
    if weight.structure is None:
        return math.prod(weight.tensor_type.get_shape())
    return int(weight.structure.rectangles[:, 2:].prod(axis=1).sum())
