"""Multiplications of an activation by many small constant matrices, however ONNX writes them, as block-diagonal ones.

Batched `MatMul` and `Einsum` are contractions of named axes (`passes/rewriting/contractions.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.cim import DigitalOp
from dialects.network import Network, shape_of
from passes.rewriting.constants.constants import constant_factors
from passes.rewriting.contractions import Contraction, batched_float_product, contract
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.float_products import are_multiplied


@dataclass(frozen=True)
class RaiseBatchedMatMul(RewritePattern):
    """`[..., blocks, tokens, inputs] x [blocks, inputs, outputs]`, or the weight on the left."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("MatMul"):
            return
        y = batched_float_product(DigitalBuilder(self.network, op), *op.inputs, with_blocks=True)
        if y is not None:
            rewriter.replace(op, (), [y])


@dataclass(frozen=True)
class RaiseEinsum(RewritePattern):
    """An `Einsum` of one activation and constants: one contraction after the other, each as soon as it can be done."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        equation = op.setting.get("equation") if op.is_a("Einsum") else None
        if not isinstance(equation, StringAttr):
            return
        factors = [constant_factors(value, self.network) for value in op.inputs]
        activations = [i for i, terms in enumerate(factors) if not terms]
        if len(activations) != 1 or len(factors) < 2 or any(len(terms) > 1 for terms in factors):
            return
        shapes = [shape_of(value.type) for value in op.inputs]
        parsed = parse_equation(equation.data, shapes)
        x = op.inputs[activations[0]]
        if parsed is None or not all(are_multiplied(x, terms) for terms in factors if terms):
            return
        operands, result = parsed
        if _broadcasts(operands, shapes):
            return
        constants = [(operands[i], *terms) for i, terms in enumerate(factors) if terms]
        steps = _steps(operands[activations[0]], [letters for letters, _ in constants], result)
        if steps is None:
            return
        builder = DigitalBuilder(self.network, op)
        for contraction, (_, constant) in zip(steps, constants):
            x = contract(builder, x, constant, contraction)
        rewriter.replace(op, (), [x])


BLOCK_PRODUCTS = (RaiseBatchedMatMul, RaiseEinsum)


def _broadcasts(operands: Sequence[str], shapes: Sequence[tuple[int, ...] | None]) -> bool:
    """Whether a letter stands for several sizes, or for as many axes as an operand has not."""
    sizes: dict[str, int] = {}
    for letters, shape in zip(operands, shapes):
        if shape is None or len(letters) != len(shape):
            return True
        for letter, size in zip(letters, shape):
            if size >= 0 and sizes.setdefault(letter, size) != size:
                return True
    return False


def _steps(axes: str, weights: Sequence[str], result: str) -> list[Contraction] | None:
    """The contractions of x with one weight after the other; None if one of them is no product."""
    steps: list[Contraction] = []
    for i, letters in enumerate(weights):
        needed = set("".join(weights[i + 1 :]) + result)
        last = i == len(weights) - 1
        kept = result if last else "".join(dict.fromkeys(a for a in axes + letters if a in needed))
        steps.append(Contraction(axes, letters, kept))
        axes = kept
    return steps if all(step.is_product for step in steps) else None


def parse_equation(equation: str, shapes: Sequence[tuple[int, ...] | None]) -> tuple[list[str], str] | None:
    """The letters of each operand and of the result, `...` written out; None without a rank.

    Without `->` the result has the letters that occur once, in alphabetical order, after the `...`.
    """
    left, arrow, result = equation.replace(" ", "").partition("->")
    operands = left.split(",")
    if not arrow:
        letters = left.replace(",", "").replace("...", "")
        once = sorted(letter for letter in letters if letters.count(letter) == 1)
        result = ("..." if "..." in left else "") + "".join(once)
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in equation]
    ellipsis = ""
    for operand, shape in zip(operands, shapes):
        if "..." in operand:
            if shape is None:
                return None
            letters = "".join(free[: len(shape) - len(operand.replace("...", ""))])
            ellipsis = max(ellipsis, letters, key=len)
    return [operand.replace("...", ellipsis) for operand in operands], result.replace("...", ellipsis)
