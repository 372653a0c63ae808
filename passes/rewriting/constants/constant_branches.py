"""An `If` whose condition is known before a run: the branch that it takes stands where it stood."""

from dataclasses import dataclass

from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.cim import DigitalOp, wrong_bodies
from dialects.network import Network
from passes.rewriting.constants.constants import constant_of


@dataclass(frozen=True)
class TakeBranch(RewritePattern):
    """The operations of the branch that a constant condition takes, in place of the `If`; the other one goes."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("If") or op.bodies is None or wrong_bodies(op, op.bodies) is not None:
            return
        condition = constant_of(op.inputs[0], self.network)
        if condition is None or condition.dtype.kind != "b" or condition.size != 1:
            return
        name, around = "then_branch" if condition.all() else "else_branch", op.parent
        assert around is not None
        (taken,) = (graph.block for body, graph in zip(op.bodies, op.graphs) if body.data == name)
        end = taken.last_op
        assert end is not None
        values = list(end.operands)
        for inner in list(taken.ops)[:-1]:
            inner.detach()
            around.insert_op_before(inner, op)
        rewriter.replace(op, (), values)
