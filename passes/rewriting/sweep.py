"""Sweeps what nobody uses: operations without users (those of ONNX have no side effects), weights without readers.

A sweep of the whole network and not xDSL's `dce`, which leaves weights; and it comes after each of many changes, so it
is once through from the last operation to the first.
"""

from xdsl.dialects.builtin import FunctionType
from xdsl.ir import Block

from dialects import array
from dialects.array import MultiplyOp
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, NoneOp, PermuteOp, ReadOp, WeightOp
from dialects.network import Network

_REMOVABLE = frozenset({ConstantOp, ReadOp, NoneOp, DigitalOp, MatmulOp, PermuteOp, MultiplyOp})

_READERS = frozenset({PermuteOp, ReadOp, MatmulOp, MultiplyOp, array.PermuteOp})
"""Operations that read a weight. Types, not classes: to sweep after each of many changes asks for millions."""


def sweep(network: Network) -> None:
    """Remove operations and weights of the network that contribute nothing to its outputs.

    The function's type becomes that of what it returns now: what a pass puts there may tell more of its shape, or less.
    """
    read: set[str] = set()
    _sweep_block(network.block, read)
    _sweep_weights(network, read)
    function, results = network.main, network.returned.operand_types
    function.function_type = FunctionType.from_lists(function.function_type.inputs.data, results)


def _sweep_block(block: Block, read: set[str]) -> None:
    """Remove operations from the last to the first, and note the symbols that those read which stay."""
    op = block.last_op
    while op is not None:
        before, op_class = op.prev_op, type(op)
        if op_class in _REMOVABLE and all(result.first_use is None for result in op.results):
            op.detach()
            op.erase()
        elif op_class in _READERS:
            assert isinstance(op, PermuteOp | ReadOp | MatmulOp | MultiplyOp | array.PermuteOp)
            read.add(op.symbol)
        else:
            for region in op.regions:
                for inner in region.blocks:
                    _sweep_block(inner, read)
        op = before


def _sweep_weights(network: Network, read: set[str]) -> None:
    """Remove the weights that are not read, nor needed by one that is."""
    weights = network.weights
    used = read.union(*(_named_by(weights[name]) for name in read if name in weights))
    for weight in [weight for name, weight in weights.items() if name not in used]:
        network.remove_weight(weight)


def _named_by(weight: WeightOp) -> set[str]:
    """The weights that a weight needs: scale, zero point, order of its columns."""
    named = {None if weight.structure is None else weight.structure.order_symbol}
    if weight.affine is not None:
        named |= {weight.affine.scale_symbol, weight.affine.zero_point_symbol}
    return {symbol for symbol in named if symbol is not None}
