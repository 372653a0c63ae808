"""`ConvInteger` and `QLinearConv` with a constant kernel: patches of integers, and exact int32 corrections."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp
from dialects.element_types import Array, element_type, f32, i8, i32, ui8
from dialects.network import Network
from passes.raise_matmul.convolutions.convolutions import in_place, kernel_windows
from passes.raise_matmul.convolutions.kernels import rows_of
from passes.raise_matmul.convolutions.patches import Patches, patches
from passes.raise_matmul.convolutions.windows import Window, image
from passes.raise_matmul.integer_products import requantised
from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.constants.constants import BYTES, constant_of
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.integer_products import integer_block_product, is_per_tensor, optional


@dataclass(frozen=True)
class RaiseConvInteger(RewritePattern):
    """`ConvInteger(x, w, zero_x, zero_w)`; the border is `zero_x`."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("ConvInteger"):
            return
        zero_x = optional(op.inputs, 2)
        convolution = _convolution(op, op.inputs[0], zero_x, op.inputs[1], optional(op.inputs, 3), self.network)
        if convolution is None:
            return
        builder = convolution.builder
        acc, seen = convolution.accumulated()
        rewriter.replace(op, (), [in_place(builder, acc, seen)])


@dataclass(frozen=True)
class RaiseQLinearConv(RewritePattern):
    """`QLinearConv(x, scale_x, zero_x, w, scale_w, zero_w, scale_y, zero_y, bias)`, of ONNX or of ONNX Runtime.

    That of ONNX Runtime may have its channels last.
    """

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("QLinearConv") and not op.is_runtimes("QLinearConv"):
            return
        x, scale_x, zero_x, w, scale_w, zero_w, scale_y, zero_y = op.inputs[:8]
        last = bool(integer(op.setting, "channels_last", 0))
        if not all(is_per_tensor(v) for v in (scale_x, scale_y, zero_y)) or element_type(scale_x.type) != f32:
            return
        convolution = _convolution(op, x, zero_x, w, zero_w, self.network, last)
        if convolution is None:
            return
        builder, bias = convolution.builder, optional(op.inputs, 8)
        acc, seen = convolution.accumulated()
        if bias is not None:
            acc = builder.elementwise("Add", acc, bias)
        scale = builder.op("Mul", [scale_w, scale_x], scale_w.type)
        scale = builder.op("Div", [scale, scale_y], scale_w.type)
        floats = builder.elementwise("Mul", builder.cast(acc, f32), scale)
        y = requantised(builder, floats, zero_y, element_type(op.outputs[0].type))
        rewriter.replace(op, (), [in_place(builder, y, seen, channels_last=last)])


@dataclass(frozen=True)
class _Convolution:
    """A convolution of integers that can be done by arrays."""

    builder: DigitalBuilder
    x: SSAValue
    zero_x: SSAValue | None
    kernel: ConstantTensor
    windows: list[Window]
    groups: int
    channels_last: bool

    def accumulated(self) -> tuple[SSAValue, Patches]:
        """Its sums, int32, as vectors, and what the vectors are of."""
        builder, zero_x, kernel = self.builder, self.zero_x, self.kernel
        border = None if zero_x is None else builder.scalar(zero_x)
        channels = self.groups, kernel.shape[1]
        seen = patches(builder, self.x, self.windows, channels, border, channels_last=self.channels_last)
        blocks = kernel.moved(partial(rows_of, groups=self.groups, axes=seen.axes))
        zero = None if zero_x is None else builder.cast(zero_x, i32)
        return integer_block_product(builder, seen.vectors, blocks, zero), seen


def _convolution(
    op: DigitalOp,
    x: SSAValue,
    zero_x: SSAValue | None,
    w: SSAValue,
    zero_w: SSAValue | None,
    network: Network,
    channels_last: bool = False,
) -> _Convolution | None:
    """The convolution that an operator does; None where it is none for arrays."""
    kernel = constant_of(w, network)
    if kernel is None or kernel.ndim < 3 or not kernel.size or kernel.dtype not in BYTES:
        return None
    if element_type(x.type) not in (ui8, i8) or not is_per_tensor(zero_x):
        return None
    zero = None if zero_w is None else constant_of(zero_w, network)
    if zero_w is not None and (zero is None or zero.size not in (1, len(kernel))):
        return None
    builder, x = DigitalBuilder(network, op), image(x, w)
    windows = kernel_windows(builder, x, kernel.shape, op.setting, channels_last=channels_last)
    if windows is None:
        return None
    known = None if zero_x is None else constant_of(zero_x, network)
    if known is not None and not known.any():
        zero_x = None
    groups = integer(op.setting, "group", 1)
    tensor = ConstantTensor(kernel, w.name_hint or "kernel", zero_point=_repeated(zero, kernel.shape))
    return _Convolution(builder, x, zero_x, tensor, windows, groups, channels_last)


def _repeated(zero: Array | None, shape: tuple[int, ...]) -> Array | None:
    """A zero point, or one of each output, as that of each number of a kernel; None for zeros."""
    if zero is None or not zero.any():
        return None
    return np.broadcast_to(zero.astype(np.int32).reshape(-1, *[1] * (len(shape) - 1)), shape)
