"""Sweeps what nobody uses: operations without users (those of ONNX have no side effects), weights without readers."""

from xdsl.dialects.builtin import FunctionType, ModuleOp, NoneType
from xdsl.ir import Block

from dialects.array import MultiplyOp
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, NoneOp, PermuteOp, ReadOp, WeightOp
from dialects.network import main_block, main_function, operations, remove_weight, returned, weights_of

_REMOVABLE = (ConstantOp, ReadOp, NoneOp, DigitalOp, MatmulOp, PermuteOp, MultiplyOp)

_READERS = frozenset({PermuteOp, ReadOp, MatmulOp, MultiplyOp})
"""Operations with a weight; most operations are none of them, and to ask for a type is faster than for a class."""


def sweep(module: ModuleOp) -> None:
    """Remove operations and weights of the network that contribute nothing to its outputs.

    The function's type becomes that of what it returns now: what a pass puts there may tell more of its shape, or less.
    """
    _sweep_block(main_block(module))
    _sweep_weights(module)
    function, results = main_function(module), returned(module).operand_types
    function.function_type = FunctionType.from_lists(function.function_type.inputs.data, results)


def _sweep_block(block: Block) -> None:
    for op in reversed(list(block.ops)):
        if all(result.first_use is None for result in op.results) and isinstance(op, _REMOVABLE):
            op.detach()
            op.erase()
        else:
            for region in op.regions:
                for inner in region.blocks:
                    _sweep_block(inner)


def _sweep_weights(module: ModuleOp) -> None:
    weights = weights_of(module)
    used: set[str] = set()
    for op in operations(main_block(module)):
        if type(op) not in _READERS:
            continue
        if isinstance(op, PermuteOp):
            used.add(op.table.root_reference.data)
        if isinstance(op, ReadOp | MatmulOp | MultiplyOp):
            name = op.weight.root_reference.data
            used.add(name)
            if name in weights:
                used |= _named_by(weights[name])
    for name, weight in list(weights.items()):
        if name not in used:
            remove_weight(module, weight)


def _named_by(weight: WeightOp) -> set[str]:
    """The weights that a weight needs: scale, zero point, order of its columns."""
    order = None if weight.structure is None else weight.structure.order_symbol
    named: set[str] = set() if order is None else {order}
    if weight.affine is not None:
        references = (weight.affine.scale, weight.affine.zero_point)
        named |= {r.root_reference.data for r in references if not isinstance(r, NoneType)}
    return named
