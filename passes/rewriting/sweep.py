"""Sweeps what nobody uses: operations without users (those of ONNX have no side effects), weights without readers."""

from xdsl.dialects.builtin import FunctionType, ModuleOp, NoneType
from xdsl.ir import Block

from dialects.array import MultiplyOp
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, NoneOp, PermuteOp, ReadOp, WeightOp
from dialects.network import main_block, main_function, remove_weight, returned, weights_of

_REMOVABLE = frozenset({ConstantOp, ReadOp, NoneOp, DigitalOp, MatmulOp, PermuteOp, MultiplyOp})

_READERS = frozenset({PermuteOp, ReadOp, MatmulOp, MultiplyOp})
"""Operations that read a weight. Types, not classes: to sweep after each of many changes asks for millions."""


def sweep(module: ModuleOp) -> None:
    """Remove operations and weights of the network that contribute nothing to its outputs.

    The function's type becomes that of what it returns now: what a pass puts there may tell more of its shape, or less.
    """
    read: set[str] = set()
    _sweep_block(main_block(module), read)
    _sweep_weights(module, read)
    function, results = main_function(module), returned(module).operand_types
    function.function_type = FunctionType.from_lists(function.function_type.inputs.data, results)


def _sweep_block(block: Block, read: set[str]) -> None:
    """Remove operations from the last to the first, and note the symbols that those read which stay."""
    op = block.last_op
    while op is not None:
        before, kind = op.prev_op, type(op)
        if kind in _REMOVABLE and all(result.first_use is None for result in op.results):
            op.detach()
            op.erase()
        elif kind in _READERS:
            assert isinstance(op, PermuteOp | ReadOp | MatmulOp | MultiplyOp)
            read.add((op.table if isinstance(op, PermuteOp) else op.weight).root_reference.data)
        else:
            for region in op.regions:
                for inner in region.blocks:
                    _sweep_block(inner, read)
        op = before


def _sweep_weights(module: ModuleOp, read: set[str]) -> None:
    """Remove the weights that are not read, nor needed by one that is."""
    weights = weights_of(module)
    used = read.union(*(_named_by(weights[name]) for name in read if name in weights))
    for name in [name for name in weights if name not in used]:
        remove_weight(module, weights[name])


def _named_by(weight: WeightOp) -> set[str]:
    """The weights that a weight needs: scale, zero point, order of its columns."""
    order = None if weight.structure is None else weight.structure.order_symbol
    named: set[str] = set() if order is None else {order}
    if weight.affine is not None:
        references = (weight.affine.scale, weight.affine.zero_point)
        named |= {r.root_reference.data for r in references if not isinstance(r, NoneType)}
    return named
