"""Sweeps what nobody uses: operations without users (those of ONNX have no side effects), weights without readers."""

from xdsl.dialects.builtin import ModuleOp, NoneType
from xdsl.ir import Block

from dialects.array import MultiplyOp
from dialects.cim import AffineAttr, ConstantOp, DigitalOp, MatmulOp, NoneOp, ReadOp
from dialects.network import main_block, operations, weights_of

_REMOVABLE = (ConstantOp, ReadOp, NoneOp, DigitalOp, MatmulOp, MultiplyOp)


def sweep(module: ModuleOp) -> None:
    """Remove operations and weights of the network that contribute nothing to its outputs."""
    _sweep_block(main_block(module))
    _sweep_weights(module)


def _sweep_block(block: Block) -> None:
    for op in reversed(list(block.ops)):
        if isinstance(op, _REMOVABLE) and not any(result.uses for result in op.results):
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
        if isinstance(op, ReadOp | MatmulOp | MultiplyOp):
            name = op.weight.root_reference.data
            used.add(name)
            if name in weights:
                used |= _affine_symbols(weights[name].affine)
    for name, weight in weights.items():
        if name not in used:
            weight.detach()
            weight.erase()


def _affine_symbols(affine: AffineAttr | None) -> set[str]:
    if affine is None:
        return set()
    references = (affine.scale, affine.zero_point)
    return {r.root_reference.data for r in references if not isinstance(r, NoneType)}
