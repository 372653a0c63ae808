"""Weights whose rounding errors are made good on calibration inputs, one second moment at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

import numpy as np

from dialects.attributes.structure import BlockDiagonalAttr, BlocksAttr
from dialects.chip.formats import DIFFERENTIAL, MOST_BITS, TWOS_COMPLEMENT
from dialects.cim import MatmulOp
from dialects.hardware import MODULE_KEY, chip_of
from dialects.network import Network
from passes.quantize.analysis.choices import Resolution
from passes.quantize.analysis.compensated import compensated, energies
from passes.quantize.analysis.grids import Grid
from passes.quantize.analysis.quantization import Array, Quantised, as_blocks, quantised, relative_error
from passes.quantize.float_weights import FloatWeights, Source, has_equal_blocks
from passes.rewriting.calibration.moments import Doubles, Vectors, second_moments

COMPENSATED = "error-compensated"


@dataclass(frozen=True)
class Known:
    """What was reckoned before: moments of inputs by symbol, and integers by symbol and resolution."""

    moments: Mapping[str, Doubles]
    made: dict[tuple[str, Resolution], Quantised] = field(default_factory=dict[tuple[str, Resolution], Quantised])


def calibrated(
    weights: FloatWeights, matmuls: Sequence[MatmulOp], file: str, known: Known | None = None
) -> FloatWeights:
    """The same, where weights of fewer than 8 bits lose least of the products of the inputs in `file` (.npz).

    `matmuls` are those of the network, which must be as it came. Rounded to the nearest integers, and noted as such,
    are weights that only bodies of control flow multiply by, and those of equal blocks. What is `known` is not reckoned
    again, and `known.made` grows. UserError as from `second_moments`.
    """
    inputs = {s: vectors for s, vectors in _inputs_of(weights, matmuls).items() if _has_few_bits(weights, s)}
    known = Known({}) if known is None else known
    any_side = _spans_suffice(weights.network)
    missing = {symbol: vectors for symbol, vectors in inputs.items() if symbol not in known.moments}
    pairs = chain(known.moments.items(), second_moments(weights.network, missing, file))
    for symbol, moments in pairs:
        key = symbol, weights.resolution_of(symbol)
        if symbol in inputs and key not in known.made:
            with suppress(OverflowError):  # of numbers that nothing stands for: said where the weight is replaced
                known.made[key] = _quantised(weights.source(symbol), moments, any_side)
    made = {s: known.made[s, weights.resolution_of(s)] for s in inputs if (s, weights.resolution_of(s)) in known.made}
    others = {m.symbol: _why_nearest(weights, m.symbol) for m in matmuls if m.symbol not in inputs}
    return replace(
        weights,
        rounding=partial(_taken, made),
        roundings=dict.fromkeys(inputs, COMPENSATED)
        | {s: why for s, why in others.items() if _has_few_bits(weights, s)},
    )


def _taken(made: Mapping[str, Quantised], symbol: str, _: Source) -> Quantised | None:
    return made.get(symbol)


def _why_nearest(weights: FloatWeights, symbol: str) -> str:
    if has_equal_blocks(weights.network.weight(symbol)):
        return "nearest, its blocks are equal"
    return "nearest, only bodies of control flow multiply by it"


def moments_of(weights: FloatWeights, matmuls: Sequence[MatmulOp], file: str) -> Iterator[tuple[str, Doubles]]:
    """The second moments of what weights are multiplied by, as blocks; not of all weights, see `calibrated`."""
    return second_moments(weights.network, _inputs_of(weights, matmuls), file)


def nearest_error(source: Source, moments: Doubles | None) -> float:
    """The relative error that the nearest integers make: of the weight, or of its products where that is larger.

    A few vectors that are much larger than all others can hide what these lose, so no error counts for less than that
    of the weight; which alone is known without moments.
    """
    blocks = as_blocks(source.floats)
    nearest = quantised(source.floats, source.how, source.tied, None if moments is None else _importance(moments))
    values, sums = nearest.values.reshape(blocks.shape), np.zeros(2)
    error = relative_error(blocks, values, nearest.grid)
    if moments is None:
        return error
    for block, rows, columns in _parts(source, blocks):
        grid, part = _part_of(nearest.grid, block, rows, columns), blocks[block, rows, columns]
        sums += energies(part, values[block, rows, columns], grid, moments[block, rows, rows])
    return max(error, float(np.sqrt(sums[0] / sums[1]))) if sums[1] else error


def _importance(moments: Doubles) -> Array:
    return np.diagonal(moments, axis1=1, axis2=2).astype(np.float32)


def _inputs_of(weights: FloatWeights, matmuls: Sequence[MatmulOp]) -> Mapping[str, Vectors]:
    """What each weight of floats is multiplied by outside of bodies of control flow, if it has no tied columns."""
    inputs: dict[str, Vectors] = {}
    for matmul in matmuls:
        symbol, weight = matmul.symbol, weights.network.weight(matmul.symbol)
        if matmul.parent is not weights.network.block or weight.affine is not None or has_equal_blocks(weight):
            continue
        rows, blocks = weight.matrix_shape[0], 1
        if isinstance(weight.structure, BlockDiagonalAttr):
            rows, blocks = weight.structure.rows.data, weight.structure.blocks.data
        before = inputs[symbol].values if symbol in inputs else ()
        inputs[symbol] = Vectors(list(dict.fromkeys([*before, matmul.x])), rows, blocks)
    return inputs


def _has_few_bits(weights: FloatWeights, symbol: str) -> bool:
    weight = weights.network.weight(symbol)
    return weight.affine is None and weights.resolution_of(symbol).bits < MOST_BITS


def _spans_suffice(network: Network) -> bool:
    """Whether any integers that span b bits take the cells of b bits on the chip, whatever side of 0 they lie on."""
    if MODULE_KEY not in network.module.attributes:
        return True
    return chip_of(network.module).encoding not in (TWOS_COMPLEMENT, DIFFERENTIAL)


def _quantised(source: Source, moments: Doubles, any_side: bool) -> Quantised:
    """Integers of a weight whose inputs have these second moments [blocks, rows, rows]."""
    blocks = as_blocks(source.floats)
    nearest = quantised(source.floats, source.how, source.tied, _importance(moments), any_side)
    values = np.zeros(blocks.shape, np.int8)
    sums = np.zeros(3)
    for block, rows, columns in _parts(source, blocks):
        grid = _part_of(nearest.grid, block, rows, columns)
        made = compensated(blocks[block, rows, columns], grid, moments[block, rows, rows])
        values[block, rows, columns] = made.values
        sums += made.error, made.nearest_error, made.energy
    error, nearest_error = (float(np.sqrt(lost / sums[2])) if sums[2] else 0.0 for lost in sums[:2])
    return replace(
        nearest,
        values=values.reshape(source.floats.shape),
        error=relative_error(blocks, values, nearest.grid),
        output_error=error,
        nearest_output_error=nearest_error,
    )


def _parts(source: Source, blocks: Array) -> Iterator[tuple[int, slice, slice]]:
    """Block, rows and columns of all that is not zero by structure."""
    if isinstance(source.structure, BlocksAttr):
        for row, column, rows, columns in source.structure.rectangles.tolist():
            yield 0, slice(row, row + rows), slice(column, column + columns)
    else:
        for block in range(len(blocks)):
            yield block, slice(0, blocks.shape[1]), slice(0, blocks.shape[2])


def _part_of(grid: Grid, block: int, rows: slice, columns: slice) -> Grid:
    """The grid of rows of one block, which are all that it has or lie in its only group."""
    here = slice(block, block + 1), slice(None), columns
    size = grid.size if grid.groups > 1 else rows.stop - rows.start
    return replace(grid, scales=grid.scales[here], low=grid.low[here], size=size)
