"""Products with a weight that an index chooses, as products of each expert with the vectors that are its own."""

from dataclasses import dataclass

from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.cim import DigitalOp
from dialects.element_types import element_type
from dialects.network import Network, shape_of
from passes.raise_matmul.experts.chosen import ChosenWeight, chosen_weight
from passes.raise_matmul.experts.routing import routed
from passes.rewriting.digital import DigitalBuilder, check_vectors
from passes.rewriting.last_axes import squeezed


@dataclass(frozen=True)
class SplitExperts(RewritePattern):
    """`MatMul(x, stack[index])`, and `MatMul(stack[index], x)`, by one `MatMul` for each matrix of the stack."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("MatMul"):
            return
        builder = DigitalBuilder(self.network, op)
        for side in (1, 0):
            weight, x = chosen_weight(op.inputs[side], self.network), op.inputs[1 - side]
            shape = shape_of(x.type)
            if weight is None or not shape or element_type(x.type) != element_type(op.inputs[side].type):
                continue
            y = _product(builder, x, weight) if side else _left_product(builder, x, weight)
            rewriter.replace(op, (), [y])
            return


def _product(builder: DigitalBuilder, x: SSAValue, weight: ChosenWeight) -> SSAValue:
    """`x` [..., n, rows] or [rows] times the chosen matrices."""
    check_vectors(x, weight.rows, builder.anchor)
    if len(shape_of(x.type) or ()) > 1:
        return _routed(builder, x, weight, turned=False)
    return squeezed(builder, _routed(builder, builder.reshape_last(x, 0, [1, weight.rows]), weight, turned=False), [-2])


def _left_product(builder: DigitalBuilder, x: SSAValue, weight: ChosenWeight) -> SSAValue:
    """The chosen matrices times `x` [..., columns, n] or [columns], which is turned, and the product turned back."""
    rank = len(shape_of(x.type) or ())
    if rank == 1:
        check_vectors(x, weight.columns, builder.anchor)
        row = builder.reshape_last(x, 0, [1, weight.columns])
        return squeezed(builder, _routed(builder, row, weight, turned=True), [-2])
    x = builder.transpose(x, _swapped(rank))
    check_vectors(x, weight.columns, builder.anchor)
    y = _routed(builder, x, weight, turned=True)
    return builder.transpose(y, _swapped(len(shape_of(y.type) or ())))


def _routed(builder: DigitalBuilder, x: SSAValue, weight: ChosenWeight, turned: bool) -> SSAValue:
    rows, columns = (weight.columns, weight.rows) if turned else (weight.rows, weight.columns)
    result_type = TensorType(element_type(x.type), [DYNAMIC_INDEX, columns])

    def multiply(vectors: SSAValue, expert: int) -> SSAValue:
        matrix = weight.matrix(builder, expert)
        matrix = builder.transpose(matrix, [1, 0]) if turned else matrix
        return builder.op("MatMul", [vectors, matrix], result_type)

    return routed(builder, x, weight.index, weight.experts, (rows, columns), multiply)


def _swapped(rank: int) -> list[int]:
    return [*range(rank - 2), rank - 1, rank - 2]
