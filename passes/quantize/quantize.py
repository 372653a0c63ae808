"""Float multiplications become integer ones: int8 weights per column, uint8 activations per token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_field
from functools import partial

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.structure import REPEATED
from dialects.cim import DigitalOp, MatmulOp, PermuteOp, ReadOp, WeightOp
from dialects.element_types import Array, element_type, f32, i8, i32, tensor_type_of, ui8
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import Network, shape_of
from dialects.semantics.weight_values import column_order, ordered, zero_point_of
from dialects.weights import Remake
from passes.quantize.analysis.choices import STATIC, TENSOR, TOKEN, check_activations
from passes.quantize.analysis.quantization import affine_range, quantized_columns
from passes.quantize.analysis.tied_columns import tied_columns
from passes.rewriting.calibration import ranges
from passes.rewriting.digital import DigitalBuilder, with_element, with_last
from passes.rewriting.integer_products import IntegerWeight, corrected
from passes.rewriting.patterns import rewrite
from passes.rewriting.sweep import sweep

_SMALLEST = np.array(np.finfo(np.float32).tiny)
"""A token of zeros gets this scale, so that nothing is divided by zero."""


@dataclass(frozen=True)
class Activation:
    """A quantised activation: uint8 or int8 values that stand for `(values - zero) * scale`; `zero` is int32.

    `scaled`, where there is one, is the activation over its scale, before it is rounded.
    """

    values: SSAValue
    scale: SSAValue
    zero: SSAValue | None
    scaled: SSAValue | None = None


@dataclass(frozen=True)
class QuantizePass(ModulePass):
    """Replace float `cim.matmul` by the integer multiplication that arrays can do.

    Before:
    ```mlir
    %y = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x8xf32>
    ```
    After, among others:
    ```mlir
    %q = cim.digital "Cast"(%0) with {to = 2 : i64} : (tensor<?x4xf32>) -> tensor<?x4xui8>
    %acc = cim.matmul %q, @w.int8 : tensor<?x4xui8> -> tensor<?x8xi32>
    %1 = cim.digital "Sub"(%acc, %2) : (tensor<?x8xi32>, tensor<?x8xi32>) -> tensor<?x8xi32>
    %y = cim.digital "Mul"(%3, %4) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    ```
    `%0` is `%x` in steps of a scale, counted from a zero point; `%2` the column sums times that zero point, `%4` the
    product of both scales (docs/numerics.md). Activations are asymmetric uint8 per token, per tensor
    (`DynamicQuantizeLinear`) or static; one that is dequantised just before keeps its own integers.
    Leaves alone: multiplications of integers.
    Needs IR from before `schedule-arrays`.
    """

    name = "quantize"
    activations: str = TOKEN
    """`token`, `tensor`, or `static` (ranges from the inputs in `calibration`)."""
    calibration: str | None = None
    """An .npz file with one array for each input of the network."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_activations(self.activations)
        network = Network.of(ctx, op)
        matmuls = [o for o in network.ops if isinstance(o, MatmulOp) and not o.is_integer]
        seen: dict[MatmulOp, tuple[float, float]] = {}
        if self.activations == STATIC:
            if self.calibration is None:
                raise UserError('activations=static needs calibration inputs: give them as calibration="x.npz"')
            range_of = ranges(network, [m.x for m in matmuls], self.calibration)
            seen = {m: range_of[m.x] for m in matmuls}
        rewrite(matmuls, Quantize(network, self.activations, seen))
        sweep(network)


@dataclass(frozen=True)
class Quantize(RewritePattern):
    """The integer multiplication that stands for one of floats; an activation of several is quantised once."""

    network: Network
    activations: str
    ranges: Mapping[MatmulOp, tuple[float, float]]
    """What the inputs of each are between, if activations are static."""
    known: dict[tuple[SSAValue, Block | None], Activation] = field(
        default_factory=dict[tuple[SSAValue, Block | None], Activation]
    )
    """By activation and block: what is quantised in a body is not seen outside of it."""
    marks: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    """The scale that marks a product."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatmulOp, rewriter: PatternRewriter, /) -> None:
        if op.is_integer:
            return
        builder = DigitalBuilder(self.network, op)
        key = op.x, op.parent
        if key not in self.known:
            x = _dequantised(builder, op.x)
            self.known[key] = x or _marked(builder, self._quantised(builder, op), op.x, self.marks)
        product = _integer_product(builder, op, self.known[key])
        self.marks[product] = self.known[key].scale
        rewriter.replace(op, (), [product])

    def _quantised(self, builder: DigitalBuilder, op: MatmulOp) -> Activation:
        x32 = builder.cast(op.x, f32)
        if self.activations == STATIC:
            return _static(builder, x32, *self.ranges[op])
        return _per_tensor(builder, x32) if self.activations == TENSOR else _per_token(builder, x32)


def _per_token(builder: DigitalBuilder, x: SSAValue) -> Activation:
    """`scale = (max - min) / 255`, `zero = round(-min / scale)`, of every vector of the last axis, 0 in range (N13)."""
    nought = builder.constant(np.array(0, np.float32), "zero")
    top = builder.constant(np.array(255, np.float32), "top")
    low = builder.elementwise("Min", builder.reduce_last("ReduceMin", x), nought)
    high = builder.elementwise("Max", builder.reduce_last("ReduceMax", x), nought)
    span = builder.elementwise("Sub", high, low)
    scale = builder.elementwise("Div", span, top)
    scale = builder.elementwise("Max", scale, builder.constant(_SMALLEST, "smallest"))
    zero = builder.elementwise("Div", builder.op("Neg", [low], low.type), scale)
    zero = builder.clip(builder.op("Round", [zero], zero.type), nought, top)
    scaled = builder.elementwise("Div", x, scale)
    q = builder.op("Round", [scaled], x.type)
    q = builder.clip(builder.elementwise("Add", q, zero), nought, top)
    q, zero = builder.cast(q, ui8), builder.cast(zero, i32)
    q.name_hint, scale.name_hint, zero.name_hint = "q", "scale", "zero"
    return Activation(q, scale, zero, scaled)


def _per_tensor(builder: DigitalBuilder, x: SSAValue) -> Activation:
    scalar = tensor_type_of(np.zeros((), np.float32))
    types = [with_element(x.type, ui8), scalar, with_element(scalar, ui8)]
    op = DigitalOp("DynamicQuantizeLinear", [x], types)
    builder.add(op)
    q, scale, zero = op.outputs
    return Activation(q, scale, builder.cast(zero, i32))


def _static(builder: DigitalBuilder, x: SSAValue, low: float, high: float) -> Activation:
    scale, zero = affine_range(low, high)
    scale_value = builder.constant(np.array(scale), "scale")
    zero_value = builder.constant(np.array(zero), "zero_point")
    q = builder.op("QuantizeLinear", [x, scale_value, zero_value], with_element(x.type, ui8))
    return Activation(q, scale_value, builder.constant(np.array(zero, np.int32), "zero") if zero else None)


def _marked(builder: DigitalBuilder, a: Activation, x: SSAValue, marks: Mapping[SSAValue, SSAValue]) -> Activation:
    """The activation `x`, with NaN as the scale of a token that has a NaN or an infinity (N14).

    Integers cannot tell, and the product is to be NaN too. ONNX leaves open whether ReduceMin and ReduceMax see a NaN,
    so it takes a sum; where `x` is a product that was marked (`marks` has its scale), that one's mark is enough.
    """
    source = x
    while isinstance(source.owner, PermuteOp):
        source = source.owner.x
    witness = marks.get(source)
    if witness is None or shape_of(witness.type) in ((), (1,)):
        witness = builder.reduce_last("ReduceSum", x if a.scaled is None else a.scaled)
    nothing = builder.elementwise("Mul", witness, builder.constant(np.array(0, np.float32), "zero"))
    marked = builder.elementwise("Add", nothing, a.scale)
    marked.name_hint = "marked"
    return replace_field(a, scale=marked)


def _dequantised(builder: DigitalBuilder, x: SSAValue) -> Activation | None:
    """The integers of an `x` that comes out of `DequantizeLinear` with one float32 scale for the whole tensor."""
    owner = x.owner
    if not isinstance(owner, DigitalOp) or not owner.is_a("DequantizeLinear"):
        return None
    q, scale = owner.inputs[0], owner.inputs[1]
    zero = owner.inputs[2] if len(owner.inputs) > 2 else None
    if (
        element_type(q.type) not in (ui8, i8)
        or shape_of(scale.type) not in ((), (1,))
        or element_type(scale.type) != f32
    ):
        return None
    return Activation(q, scale, None if zero is None else builder.cast(zero, i32))


def _integer_product(builder: DigitalBuilder, matmul: MatmulOp, x: Activation) -> SSAValue:
    """`(q_x - zero_x) (q_w - zero_w) * (scale_x * scale_w)` in the element type of the network."""
    symbol, weight, scale = _integer_weight(builder, matmul)
    acc = builder.matmul(x.values, symbol, weight.columns)
    acc.name_hint = "acc"
    acc = corrected(builder, x.values, acc, x.zero, weight)
    factor_type = with_last(x.scale.type, weight.columns) if shape_of(x.scale.type) != () else scale.type
    factor = builder.op("Mul", [x.scale, scale], factor_type)
    return builder.cast(builder.elementwise("Mul", builder.cast(acc, f32), factor), element_type(matmul.result.type))


def _integer_weight(builder: DigitalBuilder, matmul: MatmulOp) -> tuple[str, IntegerWeight, SSAValue]:
    """Symbol, integers and scale (as a value) of a multiplication's weight; float weights are quantised."""
    network = builder.network
    symbol = matmul.symbol
    weight = network.weight(symbol)
    order = column_order(weight, network)
    if weight.affine is None:
        floats = weight.array(network.store)
        assert floats.dtype.kind == "f", f"weight @{symbol} of {floats.dtype} has no scale"
        try:
            groups = _groups(weight, floats)
            values, scale = quantized_columns(floats, groups)
        except OverflowError as error:
            raise UserError(
                f"node {node_name(matmul)!r}: weight @{symbol} has {error} (NaN, infinite or too large), which "
                "integers with a scale cannot stand for"
            ) from error
        source = weight.again(network.store)
        again = None if source is None else partial(_quantised_again, source, groups)
        name = builder.weight(values, f"{symbol}.int8", structure=weight.structure, again=again)
        integers = IntegerWeight(values, None, name, order)
        return name, integers, builder.constant(ordered(scale, order), f"{symbol}.scale")
    scale_symbol = weight.affine.scale.root_reference.data
    scale_weight = network.weight(scale_symbol)
    scale_value = builder.add(ReadOp(scale_symbol, scale_weight.tensor_type))
    integers = IntegerWeight(weight.array(network.store), zero_point_of(weight, network), symbol, order)
    return symbol, integers, builder.cast(scale_value, f32)


def _groups(weight: WeightOp, floats: Array) -> Array | None:
    """Which columns of a weight have one scale; None if each has its own."""
    structure = weight.structure
    return tied_columns(floats, structure.rectangles) if structure is not None and weight.kind == REPEATED else None


def _quantised_again(floats: Remake, groups: Array | None) -> Array:
    return quantized_columns(floats(), groups)[0]
