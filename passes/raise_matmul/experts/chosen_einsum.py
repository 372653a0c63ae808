"""`Einsum` of an activation and a weight that an index chooses, as a `MatMul` that `experts.py` takes apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, StringAttr, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.cim import DigitalOp
from dialects.element_types import element_type
from dialects.network import Network, shape_of
from passes.raise_matmul.experts.chosen import chosen_weight
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.last_axes import squeezed, sum_over


@dataclass(frozen=True)
class MultiplyChosen(RewritePattern):
    """Letters of the index stand first in the weight; one of its last two is summed over, the other is in the result.

    Letters of the index that are not in the result are summed over afterwards.
    """

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        equation = op.setting.get("equation") if op.is_a("Einsum") else None
        if not isinstance(equation, StringAttr) or len(op.inputs) != 2:
            return
        terms, _, end = equation.data.replace(" ", "").partition("->")
        letters = terms.split(",")
        for side in (1, 0):
            w, x = op.inputs[side], op.inputs[1 - side]
            product = _Product(letters[1 - side], letters[side], end)
            ranks = [len(shape_of(value.type) or ()) for value in (x, w)]
            if ranks != [len(product.x), len(product.w)] or element_type(x.type) != element_type(w.type):
                continue
            if product.is_known and chosen_weight(w, self.network) is not None:
                rewriter.replace(op, (), [product.written(DigitalBuilder(self.network, op), x, w)])
                return


@dataclass(frozen=True)
class _Product:
    """The letters of an activation, of a chosen weight, and of the result."""

    x: str
    w: str
    y: str

    @property
    def index(self) -> str:
        return self.w[:-2]

    @property
    def inner(self) -> str:
        return next((letter for letter in self.w[-2:] if letter in self.x and letter not in self.y), "")

    @property
    def outer(self) -> str:
        return next((letter for letter in self.w[-2:] if letter in self.y and letter not in self.x), "")

    @property
    def others(self) -> str:
        """The letters that only the activation has."""
        return "".join(letter for letter in self.x if letter not in self.w)

    @property
    def is_known(self) -> bool:
        single = all(term.isalpha() and len(set(term)) == len(term) for term in (self.x, self.w, self.y))
        return single and bool(self.inner and self.outer) and set(self.others) <= set(self.y) <= set(self.x + self.w)

    def written(self, builder: DigitalBuilder, x: SSAValue, w: SSAValue) -> SSAValue:
        """A `MatMul` of `[..., index, other, inner]` by `[index, inner, outer]`, in the order of the result."""
        front, row = self.others[:-1], self.others[-1:]
        present = "".join(letter for letter in self.index if letter in self.x)
        x = builder.transpose(x, [self.x.index(letter) for letter in front + present + row + self.inner])
        gone = [i for i, letter in enumerate(front + self.index + (row or "-")) if letter not in self.x]
        x = _with_ones(builder, x, gone)
        if self.w[-2:] != self.inner + self.outer:
            rank = len(self.w)
            w = builder.transpose(w, [*range(rank - 2), rank - 1, rank - 2])
        y = builder.op("MatMul", [x, w], self._result_type(x, w))
        if not row:
            y = squeezed(builder, y, [-2])
        letters = front + self.index + row + self.outer
        for letter in [letter for letter in self.index if letter not in self.y]:
            y = sum_over(builder, y, letters.index(letter) - len(letters))
            letters = letters.replace(letter, "")
        return builder.transpose(y, [letters.index(letter) for letter in self.y])

    def _result_type(self, x: SSAValue, w: SSAValue) -> TensorType[Attribute]:
        *a, rows, _ = shape_of(x.type) or (0, 0)
        *b, _, columns = shape_of(w.type) or (0, 0)
        front = len(a) - len(b)
        batch = [_united(m, n) for m, n in zip(a[front:], b, strict=True)]
        return TensorType(element_type(x.type), [*a[:front], *batch, rows, columns])


def _united(a: int, b: int) -> int:
    """A dimension of the product of two that are equal, or 1."""
    return b if a == 1 or (a == DYNAMIC_INDEX and b != 1) else a


def _with_ones(builder: DigitalBuilder, x: SSAValue, axes: Sequence[int]) -> SSAValue:
    """`x`, of known rank, with dimensions of 1 at these places of the result."""
    if not axes:
        return x
    shape = list(shape_of(x.type) or ())
    for axis in axes:
        shape.insert(axis, 1)
    result_type = TensorType(element_type(x.type), shape)
    if builder.opset < 13:
        return builder.op("Unsqueeze", [x], result_type, axes=list(axes))
    return builder.op("Unsqueeze", [x, builder.constant(np.array(axes), "axes")], result_type)
