"""Lets patterns rewrite operations, so that what is new keeps node, name and type of what it replaces.

xDSL's walker loses all three, goes on until nothing changes, and prints the module into every error. Our passes look at
each operation once, in order, and so number the weights that they make in that order.
"""

from collections.abc import Iterable, Iterator, Sequence

from xdsl.builder import InsertOpInvT
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import Attribute, Operation, OpResult, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.hints import isa

from dialects.cim import DigitalOp, MatmulOp
from dialects.element_types import UNKNOWN, element_type
from dialects.locations import is_lost
from passes.rewriting.digital import with_element


def rewrite(ops: Iterable[Operation], *patterns: RewritePattern) -> bool:
    """Offer each of `ops`, in order, to the patterns until one of them rewrites it; whether any did."""
    return sum(1 for _ in _rewritten(ops, patterns)) > 0


def rewrite_first(ops: Iterable[Operation], *patterns: RewritePattern) -> bool:
    """The same, but no further than the first operation that is rewritten."""
    return next(_rewritten(ops, patterns), None) is not None


def _rewritten(ops: Iterable[Operation], patterns: Sequence[RewritePattern]) -> Iterator[Operation]:
    """Those of `ops` that a pattern rewrites; one that is gone when its turn comes is passed over."""
    rewriter: NetworkRewriter | None = None
    for op in list(ops):
        if op.parent is None:
            continue
        rewriter = rewriter or NetworkRewriter(op)
        rewriter.turn_to(op)
        for pattern in patterns:
            pattern.match_and_rewrite(op, rewriter)
            if rewriter.has_done_action:
                yield op
                break


class NetworkRewriter(PatternRewriter):
    """xDSL's rewriter, but new operations and values get location, name and what is known of the type of the old."""

    def __init__(self, op: Operation):
        super().__init__(op)
        self.turn_to(op)

    def turn_to(self, op: Operation) -> None:
        """Begin with another operation: its node is that of what is inserted."""
        self.has_done_action = False
        self.insertion_point = InsertPoint.before(op)
        self.location = op.location

    def insert(self, op: InsertOpInvT, insertion_point: InsertPoint | None = None) -> InsertOpInvT:
        """Insert operations, before the one at hand unless told where."""
        for added in (op,) if isinstance(op, Operation) else op:
            if is_lost(added):
                added.location = self.location
        return super().insert(op, insertion_point)

    def replace(
        self,
        op: Operation,
        new_ops: Operation | Sequence[Operation],
        new_results: Sequence[SSAValue | None] | None = None,
        safe_erase: bool = True,
    ) -> None:
        """Let new values (the results of the last of `new_ops` unless others are given) take the place of an operation.

        Results take its results' names, even results that were there before; inputs of the network keep theirs.
        """
        added = (new_ops,) if isinstance(new_ops, Operation) else new_ops
        for new_op in added:
            if is_lost(new_op):
                new_op.location = op.location
        results = added[-1].results if new_results is None else new_results
        for old, new in zip(op.results, results, strict=True):
            if isinstance(new, OpResult):
                new.name_hint = old.name_hint
        super().replace(op, added, results, safe_erase)

    def replace_all_uses_with(self, from_value: SSAValue, to_value: SSAValue | None, safe_erase: bool = True) -> None:
        """Let one value take the place of another; what only the type of the old tells is kept."""
        kept = None if to_value is None else knowing(to_value, from_value.type)
        super().replace_all_uses_with(from_value, kept, safe_erase)


def knowing(value: SSAValue, other: Attribute) -> SSAValue:
    """`value`, or it anew with what only `other`, another type of the same numbers, tells of shape and elements."""
    united = _united(value.type, other)
    knows_more = isinstance(value.owner, DigitalOp) or (
        isinstance(value.owner, MatmulOp) and isa(value.type, TensorType)
    )
    return Rewriter.replace_value_with_new_type(value, united) if united != value.type and knows_more else value


def _united(a: Attribute, b: Attribute) -> Attribute:
    """The tensor type that says what `a` says, and what `b` says where `a` says nothing."""
    element = element_type(b) if element_type(a) == UNKNOWN else element_type(a)
    if element == UNKNOWN:
        return a
    if not isa(a, TensorType):
        return with_element(b, element)
    known = b.get_shape() if isa(b, TensorType) and b.get_num_dims() == a.get_num_dims() else a.get_shape()
    return TensorType(element, [n if m == DYNAMIC_INDEX else m for m, n in zip(a.get_shape(), known)])
