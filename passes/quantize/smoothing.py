"""Activations are smoothed before they are quantised, where their products lose less so."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import SSAValue

from dialects.cim import MatmulOp
from dialects.element_types import Array, element_type, f32
from dialects.locations import node_name
from dialects.network import Network, Port, shape_of
from dialects.notes import LayerNotes
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import GraphError, run_graph
from passes.quantize.analysis.quantization import as_blocks
from passes.quantize.analysis.smoothing import smoothing
from passes.quantize.dequantised import dequantised
from passes.quantize.float_weights import has_equal_blocks
from passes.quantize.gathered import gathered
from passes.rewriting.calibration.activations import LARGEST, activations, calibration_inputs, not_run
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.sweep import sweep

SMOOTHING = "smoothing"
"""The note with the strength of what a layer's activation is smoothed by."""


def smooth(
    network: Network, matmuls: Sequence[MatmulOp], file: str, weight_bits: int, bits: int, notes: LayerNotes
) -> None:
    """Divide channels of activations by powers of two, and multiply the rows of their weights: products are the same.

    How much is told by the inputs in `file` (.npz). Left alone are activations of bodies of control flow, gathered
    images, those that come out of integers, and all that multiply a weight which others multiply, too, or one of equal
    blocks. UserError if the network does not run on these inputs.
    """
    users = _users(network, matmuls)
    for x, largest in _largest(network, users, file).items():
        weights = [_matrix(network, op) for op in users[x]]
        if not largest.max(initial=0) < LARGEST:
            activations(network, [x], file)  # which says what is wrong, and where
        strength, divisor = smoothing(largest, weights, weight_bits, bits)
        for op in users[x]:
            notes.add(node_name(op), **{SMOOTHING: strength})
        if strength:
            _rewrite(network, x, users[x], divisor)


def _users(network: Network, matmuls: Sequence[MatmulOp]) -> dict[SSAValue, list[MatmulOp]]:
    """The multiplications of each activation that can be smoothed."""
    readers: dict[str, set[SSAValue]] = {}
    for op in matmuls:
        readers.setdefault(op.symbol, set()).add(op.x)
    users: dict[SSAValue, list[MatmulOp]] = {}
    for op in matmuls:
        users.setdefault(op.x, []).append(op)
    return {
        x: ops
        for x, ops in users.items()
        if shape_of(x.type)
        and element_type(x.type) == f32
        and dequantised(x, network) is None
        and gathered(x, network) is None
        and all(_can_be_scaled(network, op) and readers[op.symbol] == {x} for op in ops)
    }


def _can_be_scaled(network: Network, op: MatmulOp) -> bool:
    weight = network.weight(op.symbol)
    return op.parent is network.block and weight.affine is None and not has_equal_blocks(weight)


def _matrix(network: Network, op: MatmulOp) -> npt.NDArray[np.float32]:
    """What a weight multiplies each channel by, [channels, columns]; blocks one below the other."""
    blocks = as_blocks(network.weight(op.symbol).array(network.store))
    return blocks.reshape(-1, blocks.shape[-1])


def _largest(network: Network, users: Mapping[SSAValue, Sequence[MatmulOp]], file: str) -> dict[SSAValue, Array]:
    """The largest magnitude of each channel of each activation, float64 [channels], reckoned by the graph itself."""
    arrays = calibration_inputs(file, [port.name for _, port in network.inputs])
    made = {x: _reckoned(DigitalBuilder(network, ops[0]), x) for x, ops in users.items()}
    outputs = [(value, Port(f"largest {i}", ())) for i, value in enumerate(made.values())]
    try:
        seen = run_graph(GraphWriter(network).model(network.body, network.inputs, outputs), arrays) if made else {}
    except GraphError as error:
        raise not_run(error, file) from error
    sweep(network)
    return {x: seen[port.name].astype(np.float64) for x, (_, port) in zip(made, outputs)}


def _reckoned(builder: DigitalBuilder, x: SSAValue) -> SSAValue:
    """The largest magnitude of each channel; the rank of `x` is known."""
    rank = len(shape_of(x.type) or ())
    return builder.reduce("ReduceMax", builder.op("Abs", [x], x.type), range(rank - 1))


def _rewrite(network: Network, x: SSAValue, users: Sequence[MatmulOp], divisor: Array) -> None:
    """Multiply channels by what undoes `divisor`, and rows of the weights by it: powers of two, so nothing is lost."""
    first = users[0]
    builder = DigitalBuilder(network, first)
    factor = builder.constant((1 / divisor).astype(np.float32), f"{first.symbol}.smoothing")
    smoothed = builder.elementwise("Mul", x, factor)
    smoothed.name_hint = "smoothed"
    for op in users:
        weight = network.weight(op.symbol)
        floats = weight.array(network.store)
        blocks = as_blocks(floats)
        scaled = blocks * divisor.astype(floats.dtype).reshape(len(blocks), -1, 1)
        symbol = builder.weight(scaled.reshape(floats.shape), f"{op.symbol}.smoothed", structure=weight.structure)
        op.operands[0], op.weight = smoothed, SymbolRefAttr(symbol)
