"""ONNX Runtime's products that do more than multiply: they quantise, scale, add a bias, transpose or requantise.

Each becomes the product on arrays, and what is left operators of ONNX.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.onnx_attributes import integer, real
from dialects.cim import DigitalOp
from dialects.element_types import element_type, f32, numpy_element, tensor_type, ui8
from dialects.network import Network, shape_of
from passes.raise_matmul.float_products import float_product
from passes.raise_matmul.integer_products import Factor, integer_product, requantised
from passes.rewriting.constants.constants import ComputedConstants, constant_factors, constant_of, is_float
from passes.rewriting.digital import DigitalBuilder, with_element
from passes.rewriting.integer_products import is_per_tensor, optional


@dataclass(frozen=True)
class RaiseFusedMatMul(RewritePattern):
    """`alpha * A B`, either factor with its last two axes transposed, or the first moved behind all but the last."""

    network: Network
    constants: ComputedConstants

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_runtimes("FusedMatMul", "TransposeMatMul") or self.constants.has(*op.inputs[:2]):
            return
        ranks = [len(shape_of(factor.type) or ()) for factor in op.inputs[:2]]
        has_constant = any(constant_factors(factor, self.network) for factor in op.inputs[:2])
        if not has_constant or min(ranks) < 1 or not all(map(is_float, op.inputs[:2])):
            return
        builder = DigitalBuilder(self.network, op)
        a, b = (
            _transposed(builder, factor, _order(op, name, rank)) for factor, name, rank in zip(op.inputs, "AB", ranks)
        )
        y = float_product(builder, a, b, with_blocks=True)
        if y is not None:
            rewriter.replace(op, (), [times(builder, y, real(op.setting, "alpha", 1.0))])


def _order(op: DigitalOp, name: str, rank: int) -> list[int]:
    """The axes of a factor in the order in which it is multiplied."""
    order = list(range(rank))
    if rank > 2 and integer(op.setting, f"transBatch{name}", 0):
        order = [*order[1:-1], 0, rank - 1]
    if rank > 1 and integer(op.setting, f"trans{name}", 0):
        order[-2:] = order[-1], order[-2]
    return order


def _transposed(builder: DigitalBuilder, factor: SSAValue, order: Sequence[int]) -> SSAValue:
    array = constant_of(factor, builder.network)
    if array is None or array.ndim < 3 or list(order) == sorted(order):
        return builder.transpose(factor, order)
    return builder.constant(np.ascontiguousarray(array.transpose(order)), f"{factor.name_hint or 'weight'}.transposed")


def times(builder: DigitalBuilder, value: SSAValue, factor: float) -> SSAValue:
    """A value times a number that an attribute gives."""
    dtype = numpy_element(element_type(value.type))
    if factor == 1.0:
        return value
    return builder.elementwise("Mul", value, builder.constant(np.array(factor, dtype), "factor"))


_ACTIVATIONS = (
    "Elu",
    "HardSigmoid",
    "LeakyRelu",
    "Relu",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
    "ThresholdedRelu",
)


def is_activation(op: DigitalOp) -> bool:
    """Whether the activation that a fused operator names is an operator of ONNX."""
    return _activation(op) in _ACTIVATIONS


def _activation(op: DigitalOp) -> str:
    name = op.setting.get("activation")
    return name.data if isinstance(name, StringAttr) else ""


def activated(builder: DigitalBuilder, value: SSAValue, op: DigitalOp) -> SSAValue:
    """A value after the activation that `op` names, with its parameters; as it is, if it names none."""
    if not _activation(op):
        return value
    prefix = "activation_"
    settings = {name.removeprefix(prefix): v for name, v in op.setting.items() if name.startswith(prefix)}
    return builder.add(DigitalOp(_activation(op), [value], [value.type], settings))


@dataclass(frozen=True)
class RaiseDynamicQuantizeMatMul(RewritePattern):
    """`DynamicQuantizeMatMul(A, B, scale, zero point, bias)`: A is quantised as `DynamicQuantizeLinear` does it."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_runtimes("DynamicQuantizeMatMul") or element_type(op.inputs[0].type) != f32:
            return
        if not constant_factors(op.inputs[1], self.network):
            return
        builder, scalar = DigitalBuilder(self.network, op), tensor_type(f32, ())
        types = [with_element(op.inputs[0].type, ui8), scalar, with_element(scalar, ui8)]
        quantised = DigitalOp("DynamicQuantizeLinear", [op.inputs[0]], types)
        builder.add(quantised)
        q, scale, zero = quantised.outputs
        acc = integer_product(builder, Factor(q, zero), Factor(op.inputs[1], optional(op.inputs, 3)))
        if acc is not None:
            y = scaled(builder, acc, [scale, op.inputs[2]], optional(op.inputs, 4))
            rewriter.replace(op, (), [y])


@dataclass(frozen=True)
class RaiseMatMulIntegerToFloat(RewritePattern):
    """`MatMulIntegerToFloat(A, B, scale_A, scale_B, zero_A, zero_B, bias)` of which one factor is constant."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_runtimes("MatMulIntegerToFloat") or not is_per_tensor(op.inputs[2]):
            return
        if element_type(op.inputs[2].type) != f32:
            return
        builder = DigitalBuilder(self.network, op)
        factors = (Factor(op.inputs[i], optional(op.inputs, i + 4)) for i in range(2))
        acc = integer_product(builder, *factors)
        if acc is not None:
            y = scaled(builder, acc, [op.inputs[2], op.inputs[3]], optional(op.inputs, 6))
            rewriter.replace(op, (), [y])


@dataclass(frozen=True)
class RaiseQGemm(RewritePattern):
    """`QGemm(A, scale_A, zero_A, B, scale_B, zero_B, C, scale_Y, zero_Y)`: C is added to the int32 product.

    Without a scale of Y, the result are floats.
    """

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_runtimes("QGemm"):
            return
        a, scale_a, zero_a, b, scale_b, zero_b = op.inputs[:6]
        bias, scale_y, zero_y = (optional(op.inputs, index) for index in (6, 7, 8))
        ranks = [len(shape_of(factor.type) or ()) for factor in (a, b)]
        per_tensor = all(is_per_tensor(value) for value in (scale_a, zero_a, scale_y, zero_y))
        if ranks != [2, 2] or not per_tensor or (scale_y is None) != (zero_y is None):
            return
        if element_type(scale_a.type) != f32 or not any(constant_factors(v, self.network) for v in (a, b)):
            return
        builder = DigitalBuilder(self.network, op)
        a, b = (_transposed(builder, factor, _order(op, name, 2)) for factor, name in ((a, "A"), (b, "B")))
        acc = integer_product(builder, Factor(a, zero_a), Factor(b, zero_b))
        if acc is None:
            return
        acc = acc if bias is None else builder.elementwise("Add", acc, bias)
        scale_a = times(builder, scale_a, real(op.setting, "alpha", 1.0))
        if scale_y is None or zero_y is None:
            rewriter.replace(op, (), [scaled(builder, acc, [scale_a, scale_b], None)])
            return
        scale = builder.op("Div", [builder.op("Mul", [scale_b, scale_a], scale_b.type), scale_y], scale_b.type)
        floats = builder.elementwise("Mul", builder.cast(acc, f32), scale)
        rewriter.replace(op, (), [requantised(builder, floats, zero_y, element_type(op.outputs[0].type))])


def scaled(builder: DigitalBuilder, product: SSAValue, scales: Sequence[SSAValue], bias: SSAValue | None) -> SSAValue:
    """An int32 product as floats: times the product of the scales of both factors, plus a bias."""
    left, right = scales
    larger = left if shape_of(right.type) == () else right
    scale = builder.op("Mul", [left, right], larger.type)
    y = builder.elementwise("Mul", builder.cast(product, f32), scale)
    return y if bias is None else builder.elementwise("Add", y, bias)


@dataclass(frozen=True)
class RaiseQuantization(RewritePattern):
    """ONNX Runtime's own `QuantizeLinear` and `DequantizeLinear` of bytes are those of ONNX."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_runtimes("QuantizeLinear", "DequantizeLinear") or self.network.opsets[""] < 13:
            return
        elements = {element_type(value.type) for value in (op.inputs[0], op.outputs[0])}
        integers = [dtype for e in elements if (dtype := numpy_element(e)) is not None and dtype.kind in "iu"]
        if len(op.inputs) < 3 or f32 not in elements or not integers or integers[0].itemsize > 1:
            return
        builder, settings = DigitalBuilder(self.network, op), {}
        if not is_per_tensor(op.inputs[1]):
            settings = {"axis": integer(op.setting, "axis", 1)}
        y = builder.op(op.op_type.data, op.inputs, op.outputs[0].type, **settings)
        rewriter.replace(op, (), [y])
