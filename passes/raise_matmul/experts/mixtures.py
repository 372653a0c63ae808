"""`MoE` and `QMoE` of ONNX Runtime, as operators that choose weights, which `experts.py` divides into experts.

ONNX Runtime takes the `k` experts with the largest numbers of the router. It weights them by the softmax over all of
these, or over the largest (`normalize_routing_weights`, and `QMoE` always). Gelu is that with tanh. Its kernels for
processors have no third layer, and know gates and values of `swiglu` in turn only; the other forms here are those that
it documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, StringAttr, TensorType, f32, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.onnx_attributes import integer, real
from dialects.cim import DigitalOp
from dialects.element_types import element_type, tensor_type
from dialects.network import Network, shape_of
from passes.raise_matmul.experts.mixture_layers import Layer, quantised_layers, whole_layers
from passes.rewriting.digital import DigitalBuilder, with_last
from passes.rewriting.integer_products import optional

_ACTIVATIONS = ("relu", "gelu", "silu", "swiglu", "identity")
_ROUTER_WEIGHTS = 14
"""An input of `QMoE`: by what experts are weighted, if not by what they are chosen by."""


@dataclass(frozen=True)
class ExpandMixture(RewritePattern):
    """A mixture of experts in float32, with constant weights."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if op.domain is None or op.domain.data != "com.microsoft" or op.op_type.data not in ("MoE", "QMoE"):
            return
        read = whole_layers if op.op_type.data == "MoE" else quantised_layers
        x, layers = op.inputs[0], read(op, self.network)
        if layers is None or len(shape_of(x.type) or ()) not in (2, 3) or element_type(x.type) != f32:
            return
        mixture = _Mixture(op, DigitalBuilder(self.network, op), *layers)
        if mixture.is_known:
            rewriter.replace(op, (), [mixture.result()])


@dataclass(frozen=True)
class _Mixture:
    """Writes one mixture; tokens are [tokens, 1, 1, hidden], and what experts give [tokens, k, 1, ...]."""

    op: DigitalOp
    builder: DigitalBuilder
    first: Layer | None
    second: Layer | None
    third: Layer | None

    @property
    def is_known(self) -> bool:
        """Whether all of it is such as can be written."""
        name, router = self._activation, shape_of(self.op.inputs[1].type)
        after = integer(self.op.setting, "swiglu_limit_after_activation", 0)
        if self.first is None or self.second is None or name not in _ACTIVATIONS or after:
            return False
        is_gated = name == "swiglu" and (self.third is None) == bool(integer(self.op.setting, "swiglu_fusion", 0))
        return router is not None and len(router) == 2 and (name != "swiglu" or is_gated)

    def result(self) -> SSAValue:
        """What the experts give, weighted, in the shape of the input."""
        assert self.first is not None
        assert self.second is not None
        builder, x = self.builder, self.op.inputs[0]
        index, weights = self._chosen()
        tokens = self._reshaped(x, [-1, 1, 1, self.first.stack.shape[2]])
        hidden = self._layer(tokens, index, self.first)
        if self._activation == "swiglu":
            hidden = self._swiglu(hidden, tokens, index)
        else:
            hidden = self._activated(hidden)
            if self.third is not None:
                hidden = builder.elementwise("Mul", hidden, self._layer(tokens, index, self.third))
        y = builder.elementwise("Mul", self._layer(hidden, index, self.second), weights)
        return self._like(self._sum_of_chosen(y), x)

    @property
    def _activation(self) -> str:
        name = self.op.setting.get("activation_type")
        return name.data if isinstance(name, StringAttr) else "relu"

    def _chosen(self) -> tuple[SSAValue, SSAValue]:
        """Which experts each token has, int64 [tokens, k], and their weights, float32 [tokens, k, 1, 1]."""
        builder, router = self.builder, self.op.inputs[1]
        tokens, experts = shape_of(router.type) or (DYNAMIC_INDEX, 0)
        count = min(integer(self.op.setting, "k", 1), len(self.first.stack) if self.first is not None else experts)
        k = builder.constant(np.array([count]), "k")
        types = [tensor_type(element, (tokens, count)) for element in (f32, i64)]
        top = DigitalOp("TopK", [router, k], types)
        numbers, index = builder.add(top), top.results[1]
        normalised = integer(self.op.setting, "normalize_routing_weights", 0)
        given = optional(self.op.inputs, _ROUTER_WEIGHTS)
        if given is None and (normalised or self.op.op_type.data == "QMoE"):
            weights = builder.op("Softmax", [numbers], types[0], axis=1)
        else:
            by = builder.op("Softmax", [router], router.type, axis=1) if given is None else given
            weights = builder.op("GatherElements", [by, index], types[0], axis=1)
            if normalised:
                weights = builder.elementwise("Div", weights, builder.reduce_last("ReduceSum", weights))
        return index, self._reshaped(weights, [-1, count, 1, 1])

    def _layer(self, x: SSAValue, index: SSAValue, layer: Layer) -> SSAValue:
        """`x` [tokens, 1 or k, 1, in] by the layer of each chosen expert, [tokens, k, 1, out]."""
        builder, (tokens, count) = self.builder, shape_of(index.type) or (DYNAMIC_INDEX, 0)
        rows = layer.stack.shape[1]
        weight = self._gathered(builder.constant(layer.stack, layer.name), index)
        if layer.scale is not None:
            scale = self._gathered(builder.constant(layer.scale, f"{layer.name}.scale"), index)
            weight = builder.cast(weight, f32)
            if layer.zero is not None:
                zero = self._gathered(builder.constant(layer.zero, f"{layer.name}.zero"), index)
                weight = builder.elementwise("Sub", weight, zero)
            weight = builder.elementwise("Mul", weight, scale)
        weight = builder.transpose(weight, [0, 1, 3, 2])
        y = builder.op("MatMul", [x, weight], tensor_type(f32, (tokens, count, 1, rows)))
        if layer.bias is None:
            return y
        bias = self._reshaped(self._gathered(layer.bias, index), [-1, count, 1, rows])
        return builder.elementwise("Add", y, bias)

    def _gathered(self, stack: SSAValue, index: SSAValue) -> SSAValue:
        shape = (*(shape_of(index.type) or ()), *(shape_of(stack.type) or ())[1:])
        return self.builder.op("Gather", [stack, index], tensor_type(element_type(stack.type), shape), axis=0)

    def _activated(self, x: SSAValue) -> SSAValue:
        builder = self.builder
        if self._activation == "relu":
            return builder.op("Relu", [x], x.type)
        if self._activation == "silu":
            return builder.elementwise("Mul", x, builder.op("Sigmoid", [x], x.type))
        if self._activation == "identity":
            return x
        cube = builder.elementwise("Mul", builder.elementwise("Mul", x, x), x)
        inner = builder.elementwise("Add", x, builder.elementwise("Mul", cube, self._number(0.044715)))
        bent = builder.op("Tanh", [builder.elementwise("Mul", inner, self._number(np.sqrt(2 / np.pi)))], x.type)
        half = builder.elementwise("Mul", x, self._number(0.5))
        return builder.elementwise("Mul", half, builder.elementwise("Add", bent, self._number(1.0)))

    def _swiglu(self, hidden: SSAValue, tokens: SSAValue, index: SSAValue) -> SSAValue:
        """Gates and values of one layer, one by one or one half after the other, or of two layers."""
        builder, setting = self.builder, self.op.setting
        width = (shape_of(hidden.type) or (0,))[-1]
        fusion = integer(setting, "swiglu_fusion", 0)
        if fusion == 0:
            assert self.third is not None
            gate, value = hidden, self._layer(tokens, index, self.third)
        elif fusion == 1:
            gate, value = (self._part(hidden, start, width, 2) for start in (0, 1))
        else:
            gate, value = self._part(hidden, 0, width // 2, 1), self._part(hidden, width // 2, width, 1)
        if "swiglu_limit" in setting:
            limit = real(setting, "swiglu_limit", 0.0)
            gate = builder.op("Min", [gate, self._number(limit)], gate.type)
            value = builder.clip(value, self._number(-limit), self._number(limit))
        slope = builder.elementwise("Mul", gate, self._number(real(setting, "activation_alpha", 1.0)))
        gate = builder.elementwise("Mul", gate, builder.op("Sigmoid", [slope], gate.type))
        value = builder.elementwise("Add", value, self._number(real(setting, "activation_beta", 0.0)))
        return builder.elementwise("Mul", gate, value)

    def _part(self, x: SSAValue, start: int, end: int, step: int) -> SSAValue:
        numbers = [self.builder.constant(np.array([n]), "part") for n in (start, end, -1, step)]
        return self.builder.op("Slice", [x, *numbers], with_last(x.type, len(range(start, end, step))))

    def _sum_of_chosen(self, y: SSAValue) -> SSAValue:
        """`y` [tokens, k, 1, hidden] added up over k, [tokens, 1, hidden]."""
        tokens, _, _, hidden = shape_of(y.type) or (DYNAMIC_INDEX, 0, 0, 0)
        result_type: Attribute = tensor_type(f32, (tokens, 1, hidden))
        if self.builder.opset < 13:
            return self.builder.op("ReduceSum", [y], result_type, axes=[1], keepdims=0)
        return self.builder.op("ReduceSum", [y, self.builder.constant(np.array([1]), "axes")], result_type, keepdims=0)

    def _like(self, y: SSAValue, x: SSAValue) -> SSAValue:
        shape = self.builder.op("Shape", [x], TensorType(i64, [len(shape_of(x.type) or ())]))
        zero = {"allowzero": 1} if self.builder.opset >= 14 else {}
        return self.builder.op("Reshape", [y, shape], x.type, **zero)

    def _reshaped(self, x: SSAValue, sizes: Sequence[int]) -> SSAValue:
        """`x` with other dimensions, of which the first is what is left."""
        target = self.builder.constant(np.array(sizes, np.int64), "shape")
        first = (shape_of(self.op.inputs[1].type) or (DYNAMIC_INDEX,))[0]
        return self.builder.op("Reshape", [x, target], tensor_type(element_type(x.type), (first, *sizes[1:])))

    def _number(self, value: float) -> SSAValue:
        return self.builder.constant(np.array(value, np.float32), "number")
