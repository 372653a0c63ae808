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
    """The largest relative error of an output (Frobenius norms); infinite where one has no numbers any more."""
    errors = [0.0]
    for output, expected in zip(outputs, exact):
        lost = total = 0.0
        here, there = output.reshape(-1), expected.reshape(-1)
        for first in range(0, len(here), _TOGETHER):
            part = there[first : first + _TOGETHER].astype(np.float64)
            lost += float(np.square(here[first : first + _TOGETHER] - part).sum())
            total += float(np.square(part).sum())
        error = np.sqrt(lost / total) if total else np.sqrt(lost)
        errors.append(float(error) if np.isfinite(error) else np.inf)
    return max(errors)


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
