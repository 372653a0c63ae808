"""Contractions of an activation with a constant, however many axes both have, as one product of vectors.

A contraction `x, w -> y` has named axes. Axes are *tokens* (in x and y), *blocks* (in x, w and y), *inputs* (in x and
w, summed over) or *outputs* (in w and y). With the tokens first and blocks, inputs last, x is a vector
`[..., blocks * inputs]`, and y its product with a block-diagonal weight, or with a dense one where there are no blocks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from dialects.network import shape_of
from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.constants.constants import constant_factors
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.float_products import added, are_multiplied, block_product
from passes.rewriting.last_axes import squeezed


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
class BatchedProduct:
    """What a `MatMul` of a constant is: the axes of x that have size 1 and go, those of w, and the contraction left."""

    x_squeezed: tuple[int, ...]
    w_squeezed: tuple[int, ...]
    axes: Contraction


def batched_product(x: Sequence[int], w: Sequence[int], left: bool) -> BatchedProduct | None:
    """The product `x w` (`w x` if `left`) of tensors of these shapes, as `MatMul` defines it for any number of axes.

    None where it is open whether x has one matrix for all of w's (a dynamic dimension of x that may be 1 or not).
    """
    letters = iter("abcdefghijlnopqrstuvwxyz")
    x_axes, w_axes = ("m" if len(x) > 1 else "") + "k", "k" + ("N" if len(w) > 1 else "")
    end = x_axes[:-1] + w_axes[1:]
    if left:
        x_axes, w_axes = "k" + ("m" if len(x) > 1 else ""), ("N" if len(w) > 1 else "") + "k"
        end = w_axes[:-1] + x_axes[1:]
    x_batch, w_batch, rank = x[:-2], w[:-2], max(len(x), len(w)) - 2
    x_letters, w_letters, y_letters = "", "", ""
    squeezed: tuple[list[int], list[int]] = ([], [])
    for axis in range(rank):
        own, other = axis - rank + len(x_batch), axis - rank + len(w_batch)
        mine, size = (x_batch[own] if own >= 0 else None), (w_batch[other] if other >= 0 else 1)
        letter = next(letters, None)
        if letter is None or (size != 1 and mine not in (None, 1, size)):
            return None
        y_letters += letter
        if mine is not None and (size == 1 or mine == size):
            x_letters += letter
        elif mine is not None:
            squeezed[0].append(own)
        if size != 1 or mine is None:
            w_letters += letter
        elif other >= 0:
            squeezed[1].append(other)
    axes = Contraction(x_letters + x_axes, w_letters + w_axes, y_letters + end)
    return BatchedProduct(tuple(squeezed[0]), tuple(squeezed[1]), axes) if axes.is_product else None


def contract(
    builder: DigitalBuilder,
    x: SSAValue,
    w: ConstantTensor,
    axes: Contraction,
    multiply: "Callable[[DigitalBuilder, SSAValue, ConstantTensor], SSAValue]" = block_product,
) -> SSAValue:
    """The product as: tokens first, one vector of blocks and inputs, multiply, blocks and outputs, order of y.

    Token axes of size 1 are no leading dimensions of the vectors. `multiply` is given the vectors and the weight as
    [blocks, inputs, outputs].
    """
    assert isa(x.type, TensorType)
    sizes = dict(zip(axes.w_axes, w.shape)) | dict.fromkeys(axes.tokens, 1)
    extent = dict(zip(axes.x_axes, x.type.get_shape()))
    tokens = "".join(a for a in axes.tokens if extent[a] != 1)
    single = "".join(a for a in axes.tokens if extent[a] == 1)
    order = tokens + single + axes.blocks + axes.inputs
    shape = [prod(sizes[a] for a in letters) for letters in (axes.blocks, axes.inputs, axes.outputs)]
    w_order = [axes.w_axes.index(a) for a in axes.blocks + axes.inputs + axes.outputs]
    blocks = w.moved(lambda array: array.transpose(w_order).reshape(shape))
    x = builder.transpose(x, [axes.x_axes.index(a) for a in order])
    x = builder.reshape_last(x, len(tokens), [shape[0] * shape[1]])
    y = multiply(builder, x, blocks)
    given = tokens + single + axes.blocks + axes.outputs
    y = builder.reshape_last(y, len(tokens), [sizes[a] for a in single + axes.blocks + axes.outputs])
    return builder.transpose(y, [given.index(a) for a in axes.y_axes])


def batched_float_product(builder: DigitalBuilder, a: SSAValue, b: SSAValue, *, with_blocks: bool) -> SSAValue | None:
    """`MatMul(a, b)` of one constant with any number of axes; None if it is none, or has blocks and may not."""
    for x, w, is_left in ((a, b, False), (b, a, True)):
        shape, terms = shape_of(x.type), constant_factors(w, builder.network)
        if not shape or not terms or not are_multiplied(x, terms):
            continue
        plan = batched_product(shape, terms[0].shape, is_left)
        if plan is None or (plan.axes.blocks and not with_blocks):
            continue
        vectors, gone = squeezed(builder, x, plan.x_squeezed), plan.w_squeezed
        matrices = [term.moved(lambda array, gone=gone: array.squeeze(gone)) for term in terms]
        return added(builder, [contract(builder, vectors, matrix, plan.axes) for matrix in matrices])
    return None
