"""How far the outputs of a network are moved by rounding its weights, all else as it was: floats, on given inputs."""

from collections.abc import Iterable
from functools import partial

import numpy as np
from xdsl.dialects.builtin import SymbolRefAttr

from dialects.attributes.structure import BlockDiagonalAttr
from dialects.cim import MatmulOp, weight_op
from dialects.element_types import Array
from dialects.network import Network
from dialects.semantics.onnx_graph import outlined_model
from dialects.semantics.onnx_runtime import GraphError, run_graph
from passes.quantize.analysis.grids import Grid
from passes.quantize.analysis.quantization import as_blocks, quantised
from passes.quantize.float_weights import FloatWeights
from passes.rewriting.calibration.activations import calibration_inputs, not_run

_TOGETHER = 1 << 20
"""Numbers of an output that are compared at a time."""
_ALIKE = 1e-9
"""Of the squares of an output, what is taken for equal vectors."""


def outputs_on(network: Network, file: str) -> list[Array]:
    """The outputs of floats on the inputs in `file` (.npz); UserError if it cannot be used, or the network not run."""
    arrays = calibration_inputs(file, [port.name for _, port in network.inputs])
    try:
        outputs = run_graph(outlined_model(network), arrays)
    except GraphError as error:
        raise not_run(error, file) from error
    return [array for array in outputs.values() if array.dtype.kind == "f"]


def rounded(weights: FloatWeights, symbols: Iterable[str]) -> Network:
    """The network with weights of the numbers that their integers stand for, in multiplications alone."""
    network = Network(weights.network.module.clone(), weights.network.store)
    names: dict[str, str] = {}
    for symbol in symbols:
        old, again = network.weight(symbol), partial(_numbers, weights, symbol)
        names[symbol] = f"{symbol}.rounded"
        network.add_weight(weight_op(names[symbol], again(), network.store, None, old.structure, again))
    for op in network.ops:
        if isinstance(op, MatmulOp) and op.symbol in names:
            op.weight = SymbolRefAttr(names[op.symbol])
    return network


def farthest(outputs: Iterable[Array], exact: Iterable[Array]) -> float:
    """The largest error of an output, relative to how far its vectors are from their mean (Frobenius norms).

    What all vectors have in common says nothing of the inputs, and may be most of the numbers, as in logits: without it
    an output that says nothing any more has an error of 1. A single vector, or equal ones, are compared with 0.
    Infinite where an output has no numbers any more.
    """
    return max((_moved(output, expected) for output, expected in zip(outputs, exact)), default=0.0)


def _moved(output: Array, expected: Array) -> float:
    width = expected.shape[-1] if expected.ndim else 1
    here, there = output.reshape(-1, width), expected.reshape(-1, width)
    middle = there.mean(axis=0, dtype=np.float64) if len(there) else np.zeros(width)
    lost = varies = total = 0.0
    step = max(1, _TOGETHER // max(1, width))
    for first in range(0, len(here), step):
        part = there[first : first + step].astype(np.float64)
        lost += float(np.square(here[first : first + step] - part).sum())
        varies += float(np.square(part - middle).sum())
        total += float(np.square(part).sum())
    against = varies if varies > _ALIKE * total else total
    error = np.sqrt(lost / against) if against else np.sqrt(lost)
    return float(error) if np.isfinite(error) else np.inf


def _numbers(weights: FloatWeights, symbol: str) -> Array:
    """The floats that the integers of a weight stand for, in its shape."""
    source = weights.source(symbol)
    given = None if weights.rounding is None else weights.rounding(symbol, source)
    made = quantised(source.floats, source.how, source.tied) if given is None else given
    blocks = as_blocks(source.floats)
    numbers = _spread(made.grid, blocks.shape[1]) * made.values.reshape(blocks.shape)
    weight = weights.network.weight(symbol)
    if source.groups > 1 and not isinstance(weight.structure, BlockDiagonalAttr):
        numbers = numbers.reshape(blocks.shape[1], source.groups, -1).sum(axis=1)
    return numbers.reshape(weight.tensor_type.get_shape()).astype(source.floats.dtype)


def _spread(grid: Grid, rows: int) -> Array:
    """The scale of each number, [blocks, rows, columns]."""
    return np.repeat(grid.scales, grid.size, axis=1)[:, :rows]
