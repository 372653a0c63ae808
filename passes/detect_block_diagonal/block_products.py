"""Multiplications of an activation by many small constant matrices, however ONNX writes them, as block-diagonal ones.

Batched `MatMul` and `Einsum` are a contraction `x, w -> y` of named axes. Axes are *tokens* (in
x and y), *blocks* (in x, w and y), *inputs* (in x and w, summed over) or *outputs* (in w and y). With the tokens first
and blocks, inputs last, x is a vector `[..., blocks * inputs]`, and y its product with a block-diagonal weight.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.dialects.builtin import StringAttr, TensorType
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.utils.hints import isa

from dialects.attributes.structure import BLOCK_DIAGONAL, BlockDiagonalAttr
from dialects.cim import DigitalOp
from dialects.element_types import Array, element_type, i8, i32, ui8
from dialects.network import Network, shape_of
from passes.rewriting.constants import BYTES, are_floats, constant_of
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.integer_products import IntegerWeight, corrected, is_per_tensor, optional


@dataclass(frozen=True)
class Contraction:
    """`x[x_axes] * w[w_axes] -> y[y_axes]`, axes named by letters; what is not in y is summed over."""

    x_axes: str
    w_axes: str
    y_axes: str

    @property
    def tokens(self) -> str:
        return "".join(a for a in self.x_axes if a in self.y_axes and a not in self.w_axes)

    @property
    def blocks(self) -> str:
        return "".join(a for a in self.w_axes if a in self.x_axes and a in self.y_axes)

    @property
    def inputs(self) -> str:
        return "".join(a for a in self.w_axes if a in self.x_axes and a not in self.y_axes)

    @property
    def outputs(self) -> str:
        return "".join(a for a in self.w_axes if a in self.y_axes and a not in self.x_axes)

    @property
    def is_product(self) -> bool:
        """Whether every axis has one of the four roles, once, and something is summed over."""
        roles = self.tokens + self.blocks + self.inputs + self.outputs
        single = all(len(set(axes)) == len(axes) for axes in (self.x_axes, self.w_axes, self.y_axes))
        return single and set(roles) == set(self.x_axes + self.w_axes + self.y_axes) and bool(self.inputs)


@dataclass(frozen=True)
class RaiseBatchedMatMul(RewritePattern):
    """`[..., blocks, tokens, inputs] x [blocks, inputs, outputs]`, or the weight on the left."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("MatMul"):
            return
        for x, w, left in ((op.inputs[0], op.inputs[1], False), (op.inputs[1], op.inputs[0], True)):
            matrices, shape = self._blocks(x, w), shape_of(x.type)
            if matrices is None or shape is None:
                continue
            lead = "ABCDEFGH"[: len(shape) - 3]
            axes = ("kpt", "kqp", "kqt") if left else ("ktp", "kpq", "ktq")
            contraction = Contraction(lead + axes[0], axes[1], lead + axes[2])
            y = contract(DigitalBuilder(self.network, op), x, matrices, contraction, _weight_name(w))
            rewriter.replace(op, (), [y])
            return

    def _blocks(self, x: SSAValue, w: SSAValue) -> Array | None:
        """The matrices [blocks, ...] of a constant, one for each of the vectors in `x`; None where it has no such."""
        matrices, shape = constant_of(w, self.network), shape_of(x.type)
        if matrices is None or shape is None or not 3 <= matrices.ndim <= len(shape) or not are_floats(x, matrices):
            return None
        while matrices.ndim > 3 and matrices.shape[0] == 1:
            matrices = matrices[0]
        return matrices if matrices.ndim == 3 and shape[-3] == matrices.shape[0] and matrices.size else None


@dataclass(frozen=True)
class RaiseBatchedMatMulInteger(RewritePattern):
    """`[..., blocks, tokens, inputs] x [blocks, inputs, outputs]` of integers; zero points are corrected exactly."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("MatMulInteger"):
            return
        x, zero_x, zero_w = op.inputs[0], optional(op.inputs, 2), optional(op.inputs, 3)
        matrices, shape = constant_of(op.inputs[1], self.network), shape_of(x.type)
        zeros = None if zero_w is None else constant_of(zero_w, self.network)
        if matrices is None or matrices.ndim != 3 or not matrices.size or matrices.dtype not in BYTES or shape is None:
            return
        if len(shape) < 3 or shape[-3] != matrices.shape[0] or element_type(x.type) not in (ui8, i8):
            return
        if not is_per_tensor(zero_x) or (zero_w is not None and (zeros is None or zeros.size != 1)):
            return
        moved = matrices.astype(np.int16) - (0 if zeros is None else zeros.astype(np.int16).item())
        if moved.min() < -128 or moved.max() > 127:
            return
        builder, name = DigitalBuilder(self.network, op), _weight_name(op.inputs[1])
        values, zero = moved.astype(np.int8), None if zero_x is None else builder.cast(zero_x, i32)
        weight, lead = IntegerWeight(values, None, name), "ABCDEFGH"[: len(shape) - 3]
        axes = Contraction(f"{lead}ktp", "kpq", f"{lead}ktq")
        y = contract(builder, x, values, axes, name, lambda v, y: corrected(builder, v, y, zero, weight))
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
        arrays = [constant_of(value, self.network) for value in op.inputs]
        activations = [i for i, array in enumerate(arrays) if array is None]
        if len(activations) != 1 or len(arrays) < 2 or any(a is not None and not a.size for a in arrays):
            return
        shapes = [shape_of(value.type) for value in op.inputs]
        parsed = parse_equation(equation.data, shapes)
        x = op.inputs[activations[0]]
        if parsed is None or not are_floats(x, *(a for a in arrays if a is not None)):
            return
        operands, result = parsed
        if _broadcasts(operands, shapes):
            return
        constants = [(operands[i], a, _weight_name(op.inputs[i])) for i, a in enumerate(arrays) if a is not None]
        steps = _steps(operands[activations[0]], [letters for letters, _, _ in constants], result)
        if steps is None:
            return
        builder = DigitalBuilder(self.network, op)
        for contraction, (_, array, name) in zip(steps, constants):
            x = contract(builder, x, array, contraction, name)
        rewriter.replace(op, (), [x])


BLOCK_PRODUCTS = (RaiseBatchedMatMul, RaiseBatchedMatMulInteger, RaiseEinsum)


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


def contract(
    builder: DigitalBuilder,
    x: SSAValue,
    w: Array,
    axes: Contraction,
    name: str,
    finish: Callable[[SSAValue, SSAValue], SSAValue] = lambda x, y: y,
) -> SSAValue:
    """The product as: tokens first, one vector of blocks and inputs, multiply, blocks and outputs, order of y.

    Token axes of size 1 are no leading dimensions of the vectors. `finish` is given the vectors and their products.
    """
    assert isa(x.type, TensorType)
    sizes = dict(zip(axes.w_axes, w.shape)) | dict.fromkeys(axes.tokens, 1)
    extent = dict(zip(axes.x_axes, x.type.get_shape()))
    tokens = "".join(a for a in axes.tokens if extent[a] != 1)
    single = "".join(a for a in axes.tokens if extent[a] == 1)
    order = tokens + single + axes.blocks + axes.inputs
    shape = [prod(sizes[a] for a in letters) for letters in (axes.blocks, axes.inputs, axes.outputs)]
    stored = w.transpose([axes.w_axes.index(a) for a in axes.blocks + axes.inputs + axes.outputs]).reshape(shape)
    x = builder.transpose(x, [axes.x_axes.index(a) for a in order])
    x = builder.reshape_last(x, len(tokens), [shape[0] * shape[1]])
    y = finish(x, block_matmul(builder, x, stored, name))
    given = tokens + single + axes.blocks + axes.outputs
    y = builder.reshape_last(y, len(tokens), [sizes[a] for a in single + axes.blocks + axes.outputs])
    return builder.transpose(y, [given.index(a) for a in axes.y_axes])


def block_matmul(builder: DigitalBuilder, x: SSAValue, blocks: Array, name: str) -> SSAValue:
    """`x` times blocks [blocks, rows, columns], as a `cim.matmul`; a single block is a dense weight."""
    count, _, columns = blocks.shape
    blocks = np.ascontiguousarray(blocks)
    if count == 1:
        return builder.matmul(x, builder.weight(blocks[0], f"{name}.matrix"), columns)
    structure = BlockDiagonalAttr.of(blocks.shape, BLOCK_DIAGONAL)
    return builder.matmul(x, builder.weight(blocks, f"{name}.blocks", structure=structure), count * columns)


def _weight_name(value: SSAValue) -> str:
    return value.name_hint or "weight"
