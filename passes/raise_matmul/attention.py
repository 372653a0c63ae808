"""ONNX Runtime's `Attention` and `QAttention`: the projection goes to the arrays, what is left is `MultiHeadAttention`.

Their weights make queries, keys and values at once. Masks, caches, biases of scores and causality are as before; only
the mask that gives first and last positions is written out, for `MultiHeadAttention` has no such form.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, NoneType, TensorType, i1
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.onnx_attributes import integer, integers
from dialects.cim import DigitalOp, NoneOp
from dialects.cim.digital import RUNTIME
from dialects.element_types import element_type, f32, i32
from dialects.network import Network, shape_of
from passes.raise_matmul.fused_products import scaled
from passes.raise_matmul.integer_products import Factor, integer_product
from passes.rewriting.constants.constants import ComputedConstants, constant_factors, constant_matrices
from passes.rewriting.digital import DigitalBuilder, with_last
from passes.rewriting.float_products import are_multiplied, sum_of_products
from passes.rewriting.integer_products import is_per_tensor, optional
from passes.rewriting.sizes import Size, Sizes

_KEPT = ("num_heads", "scale", "mask_filter_value", "unidirectional")
"""Attributes that `MultiHeadAttention` has, too."""


@dataclass(frozen=True)
class RaiseAttention(RewritePattern):
    """`Attention(x, weights, bias, mask, past, bias of scores)`, with constant weights `[in, q + k + v]`."""

    network: Network
    constants: ComputedConstants

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_runtimes("Attention") or self.constants.has(*op.inputs[:2]):
            return
        x, matrices = op.inputs[0], constant_matrices(op.inputs[1], self.network)
        if optional(op.inputs, 6) is not None or not are_multiplied(x, matrices):
            return
        widths = _widths(op, matrices[0].values.shape[1])
        mask, past = optional(op.inputs, 3), optional(op.inputs, 4)
        if widths is None or not _is_expressible(op, x, mask, past):
            return
        builder, bias = DigitalBuilder(self.network, op), optional(op.inputs, 2)
        y = sum_of_products(builder, x, matrices)
        y = y if bias is None else builder.elementwise("Add", y, bias)
        rewriter.replace(op, (), _attention(builder, op, y, widths, mask, past, optional(op.inputs, 5)))


@dataclass(frozen=True)
class RaiseQAttention(RewritePattern):
    """`QAttention(x, weights, bias, scale_x, scale_w, mask, zero_x, zero_w, past)` with constant weights of bytes."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_runtimes("QAttention") or not constant_factors(op.inputs[1], self.network):
            return
        x, w, bias, scale_x, scale_w = op.inputs[:5]
        mask, past = optional(op.inputs, 5), optional(op.inputs, 8)
        widths = _widths(op, (shape_of(w.type) or (0,))[-1])
        if widths is None or not is_per_tensor(scale_x) or not _is_expressible(op, x, mask, past):
            return
        if element_type(scale_x.type) != f32 or len(shape_of(w.type) or ()) != 2:
            return
        builder = DigitalBuilder(self.network, op)
        acc = integer_product(builder, Factor(x, optional(op.inputs, 6)), Factor(w, optional(op.inputs, 7)))
        if acc is not None:
            y = scaled(builder, acc, [scale_x, scale_w], bias)
            rewriter.replace(op, (), _attention(builder, op, y, widths, mask, past, None))


def _widths(op: DigitalOp, columns: int) -> list[int] | None:
    """The widths of queries, keys and values, which together are the columns of the weights; None if they are not."""
    widths = integers(op.setting, "qkv_hidden_sizes") or [columns // 3] * 3
    heads = integer(op.setting, "num_heads", 0)
    is_sound = len(widths) == 3 and sum(widths) == columns and heads > 0 and not any(w % heads for w in widths)
    return widths if is_sound and min(widths) > 0 else None


def _is_expressible(op: DigitalOp, x: SSAValue, mask: SSAValue | None, past: SSAValue | None) -> bool:
    """Whether `MultiHeadAttention` can do what is left: no rotation, no shared buffer, masks of at most three axes."""
    ranks = [None if v is None else len(shape_of(v.type) or ()) for v in (x, mask, past)]
    asks = any(integer(op.setting, name, 0) for name in ("do_rotary", "past_present_share_buffer"))
    return not asks and ranks[0] == 3 and ranks[1] in (None, 1, 2, 3) and ranks[2] in (None, 5)


def _attention(
    builder: DigitalBuilder,
    op: DigitalOp,
    projected: SSAValue,
    widths: Sequence[int],
    mask: SSAValue | None,
    past: SSAValue | None,
    score_bias: SSAValue | None,
) -> list[SSAValue]:
    """What `op` gives, made of queries, keys and values side by side."""
    q, k, v = _parts(builder, projected, widths)
    none = builder.add(NoneOp())
    caches = [none, none] if past is None else [_cache(builder, past, number) for number in range(2)]
    inputs = [q, k, v, none, none if mask is None else _mask(builder, mask, q, past), score_bias or none, *caches]
    types: list[Attribute] = [with_last(q.type, widths[2])]
    has_present = len(op.outputs) > 1 and not isinstance(op.outputs[1].type, NoneType)
    if has_present:
        types += [_present_type(projected, op, width) for width in widths[1:]]
    settings = {name: value for name, value in op.setting.items() if name in _KEPT}
    attention = DigitalOp("MultiHeadAttention", inputs, types, settings, domain=RUNTIME)
    builder.add(attention)
    results: list[SSAValue] = [attention.outputs[0]]
    if has_present:
        present = [_unsqueezed(builder, cache) for cache in attention.outputs[1:]]
        results.append(builder.op("Concat", present, op.outputs[1].type, axis=0))
    elif len(op.outputs) > 1:
        results.append(none)
    return results


def _parts(builder: DigitalBuilder, x: SSAValue, widths: Sequence[int]) -> list[SSAValue]:
    """`x` cut along its last axis."""
    ends = np.cumsum(widths).tolist()
    parts: list[SSAValue] = []
    for end, width in zip(ends, widths):
        limits = [builder.constant(np.array([n]), "slice") for n in (end - width, end, -1)]
        parts.append(builder.op("Slice", [x, *limits], with_last(x.type, width)))
    return parts


def _cache(builder: DigitalBuilder, past: SSAValue, number: int) -> SSAValue:
    """The past keys (0) or values (1) of both in one tensor [2, batch, heads, past, width]."""
    shape = shape_of(past.type) or ()
    index = builder.constant(np.array(number), "number")
    return builder.op("Gather", [past, index], TensorType(element_type(past.type), shape[1:]), axis=0)


def _unsqueezed(builder: DigitalBuilder, cache: SSAValue) -> SSAValue:
    """A cache with an axis of size 1 before the others."""
    result = TensorType(element_type(cache.type), (1, *(shape_of(cache.type) or ())))
    if builder.opset >= 13:
        return builder.op("Unsqueeze", [cache, builder.constant(np.array([0]), "axes")], result)
    return builder.op("Unsqueeze", [cache], result, axes=[0])


def _present_type(x: SSAValue, op: DigitalOp, width: int) -> Attribute:
    heads = integer(op.setting, "num_heads", 1)
    batch = (shape_of(x.type) or (DYNAMIC_INDEX,))[0]
    return TensorType(element_type(x.type), [batch, heads, DYNAMIC_INDEX, width // heads])


def _mask(builder: DigitalBuilder, mask: SSAValue, q: SSAValue, past: SSAValue | None) -> SSAValue:
    """A mask as `MultiHeadAttention` takes it: one of last positions, and perhaps first ones, as 0 and 1 [batch, keys].

    The last positions of all sequences come first; there are as many first ones, or none.
    """
    if len(shape_of(mask.type) or ()) != 1:
        return mask
    sizes = Sizes(builder)
    batch, count = sizes.of(q, 0), sizes.of(mask, 0)
    keys = sizes.of(q, 1) if past is None else sizes.add(sizes.of(q, 1), sizes.of(past, 3))
    positions = builder.cast(sizes.range(0, keys), i32)
    last = _as_column(builder, _some(builder, mask, sizes.vector([0]), sizes.vector([batch])))
    seen = builder.op("Less", [positions, last], _GRID)
    if count != batch or not isinstance(count, int):
        first = _as_column(builder, _first_positions(builder, sizes, mask, batch))
        before = builder.op("Less", [positions, first], _GRID)
        seen = builder.op("And", [seen, builder.op("Not", [before], _GRID)], _GRID)
    return builder.cast(seen, i32)


_GRID = TensorType(i1, [DYNAMIC_INDEX, DYNAMIC_INDEX])
_LIST = TensorType(i32, [DYNAMIC_INDEX])


def _first_positions(builder: DigitalBuilder, sizes: Sizes, mask: SSAValue, batch: Size) -> SSAValue:
    """The first position of each sequence: 0 unless the mask has as many numbers again as there are sequences."""
    twice = sizes.vector([sizes.multiply(batch, 2)])
    nothing = builder.op("ConstantOfShape", [sizes.vector([batch])], TensorType(f32, [DYNAMIC_INDEX]))
    longer = builder.op("Concat", [mask, builder.cast(nothing, i32)], _LIST, axis=0)
    first = _some(builder, longer, sizes.vector([batch]), twice)
    are_given = builder.op("Equal", [sizes.vector([sizes.of(mask, 0)]), twice], TensorType(i1, [1]))
    return builder.op("Mul", [first, builder.cast(are_given, i32)], _LIST)


def _some(builder: DigitalBuilder, x: SSAValue, start: SSAValue, end: SSAValue) -> SSAValue:
    return builder.op("Slice", [x, start, end], _LIST)


def _as_column(builder: DigitalBuilder, x: SSAValue) -> SSAValue:
    shape = builder.constant(np.array([-1, 1]), "column")
    return builder.op("Reshape", [x, shape], TensorType(i32, [DYNAMIC_INDEX, 1]))
