"""`Conv` with a constant kernel of any size: patches of the input times a matrix, or blocks for groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.utils.hints import isa

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import Network
from passes.raise_matmul.convolutions.kernels import float_kernels, kernel_product, rows_of
from passes.raise_matmul.convolutions.patches import Patches, patches
from passes.raise_matmul.convolutions.windows import Window, image, windows
from passes.raise_matmul.fused_activations import activated, is_known
from passes.rewriting.constants.constants import ComputedConstants
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.integer_products import optional
from passes.rewriting.sizes import Sizes


@dataclass(frozen=True)
class RaiseConv(RewritePattern):
    """`Conv(x, kernel, bias)` of floats: one vector for each position of the kernel; groups are blocks.

    ONNX Runtime's `FusedConv(x, kernel, bias, sum)` adds and applies a function as well.
    """

    network: Network
    constants: ComputedConstants

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        fused = op.is_runtimes("FusedConv")
        if not (op.is_a("Conv") or (fused and is_known(op.setting))) or self.constants.has(*op.inputs[:2]):
            return
        x = image(op.inputs[0], op.inputs[1])
        kernels = float_kernels(x, op.inputs[1], self.network)
        if not kernels:
            return
        builder, bias = DigitalBuilder(self.network, op), optional(op.inputs, 2)
        shape, groups = kernels[0].shape, integer(op.setting, "group", 1)
        moves = kernel_windows(builder, x, shape, op.setting)
        if moves is None:
            return
        seen = patches(builder, x, moves, (groups, shape[1]))
        y = kernel_product(builder, seen.vectors, kernels, partial(rows_of, groups=groups, axes=seen.axes))
        if bias is not None:
            y = builder.elementwise("Add", y, bias)
        y, added = in_place(builder, y, seen), optional(op.inputs, 3)
        if added is not None:
            y = builder.elementwise("Add", y, added)
        rewriter.replace(op, (), [activated(builder, y, op.setting) if fused else y])


def kernel_windows(
    builder: DigitalBuilder,
    x: SSAValue,
    shape: Sequence[int],
    setting: Mapping[str, Attribute],
    *,
    channels_last: bool = False,
) -> list[Window] | None:
    """How a kernel [out, channels of a group, points...] moves over `x` [batch, channels, ...].

    None where ONNX Runtime takes no such node. UserError if the channels are not those of the kernel.
    """
    groups = integer(dict(setting), "group", 1)
    if not isa(x.type, TensorType) or x.type.get_num_dims() != len(shape) or groups < 1 or shape[0] % groups:
        return None
    channels, expected = x.type.get_shape()[-1 if channels_last else 1], groups * shape[1]
    if channels not in (DYNAMIC_INDEX, expected):
        raise UserError(
            f"node {node_name(builder.anchor)!r} multiplies vectors of {channels} by a weight of {expected} rows"
        )
    return windows(setting, shape[2:], x, 1 if channels_last else 2, Sizes(builder))


def in_place(builder: DigitalBuilder, y: SSAValue, seen: Patches, *, channels_last: bool = False) -> SSAValue:
    """Products of patches [batch, positions, out] as [batch, out, axes], or as [batch, axes, out]."""
    rank = len(seen.axes)
    spatial = [1 + seen.axes.index(i) for i in range(rank)]
    return builder.transpose(y, [0, *spatial, rank + 1] if channels_last else [0, rank + 1, *spatial])
