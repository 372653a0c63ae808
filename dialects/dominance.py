"""Checks that every value is defined before it is used, and inside of what is isolated (`@main`, the module).

xDSL's verifier does not look at the order; that functions are isolated it finds out by walking up from each operand.
"""

from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import IsolatedFromAbove

from dialects.locations import node_name


def undefined_use(op: Operation) -> str | None:
    """The first use of a value that is not defined before it, described; None if there is none.

    Regions see the values of the operations around them, as bodies of control flow and stages do; functions do not.
    """
    return _in_regions(op, set())


def _in_regions(op: Operation, known: set[SSAValue]) -> str | None:
    for region in op.regions:
        for block in region.blocks:
            wrong = _in_block(block, known)
            if wrong is not None:
                return wrong
    return None


def _in_block(block: Block, known: set[SSAValue]) -> str | None:
    """The first undefined use in a block; `known`, what is defined around it, is left as it was."""
    own: list[SSAValue] = [*block.args]
    known.update(own)
    for op in block.ops:
        if not known.issuperset(op.operands):
            first = next(i for i, operand in enumerate(op.operands) if operand not in known)
            return f"{op.name} of node {node_name(op)!r}: operand {first} is used before it is defined"
        wrong = _in_regions(op, set() if op.has_trait(IsolatedFromAbove) else known) if op.regions else None
        if wrong is not None:
            return wrong
        known.update(op.results)
        own.extend(op.results)
    known.difference_update(own)
    return None
