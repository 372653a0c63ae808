"""Float multiplications become integer ones: int8 weights per column, uint8 activations per token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_field
from functools import partial

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.structure import REPEATED, BlocksAttr
from dialects.cim import MatmulOp, ReadOp, WeightOp
from dialects.element_types import Array, element_type, f32, i32
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import Network, shape_of
from dialects.semantics.weight_values import column_order, ordered, zero_point_of
from dialects.weights import Remake
from passes.quantize.activations import Activation, marked, per_tensor, per_token, static
from passes.quantize.analysis.choices import STATIC, TOKEN, check_activations
from passes.quantize.analysis.quantization import quantized_columns
from passes.quantize.analysis.tied_columns import tied_columns
from passes.quantize.dequantised import dequantised
from passes.quantize.gathered import gathered
from passes.rewriting.calibration import body_ranges, ranges
from passes.rewriting.digital import DigitalBuilder, with_last
from passes.rewriting.integer_products import IntegerWeight, corrected
from passes.rewriting.patterns import rewrite
from passes.rewriting.sweep import sweep


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
            source_of = {m: _quantised_at(m.x, network) for m in matmuls}
            inside = {m: source for m, source in source_of.items() if m.parent is not network.block}
            range_of = ranges(network, [s for m, s in source_of.items() if m not in inside], self.calibration)
            seen = {m: range_of[source] for m, source in source_of.items() if m not in inside}
            seen |= body_ranges(network, inside, self.calibration)
        rewrite(matmuls, Quantize(network, self.activations, seen))
        sweep(network)


@dataclass(frozen=True)
class Quantize(RewritePattern):
    """The integer multiplication that stands for one of floats; an activation of several is quantised once."""

    network: Network
    activations: str
    ranges: Mapping[MatmulOp, tuple[float, float]]
    """What the inputs of each are between, if activations are static; without, a product has a scale for each token."""
    known: dict[tuple[SSAValue, Block | None], Activation] = field(
        default_factory=dict[tuple[SSAValue, Block | None], Activation]
    )
    """By activation and block: what is quantised in a body is not seen outside of it."""
    moved: dict[Block | None, dict[SSAValue, SSAValue]] = field(
        default_factory=dict[Block | None, dict[SSAValue, SSAValue]]
    )
    """Integers that moved like the floats that were made of them, by block."""
    marks: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    """The scale that marks a product."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatmulOp, rewriter: PatternRewriter, /) -> None:
        if op.is_integer:
            return
        builder = DigitalBuilder(self.network, op)
        key = op.x, op.parent
        if key not in self.known:
            self.known[key] = self._dequantised(builder, op) or self._quantised(builder, op)
        product = _integer_product(builder, op, self.known[key])
        self.marks[product] = self.known[key].scale
        rewriter.replace(op, (), [product])

    def _dequantised(self, builder: DigitalBuilder, op: MatmulOp) -> Activation | None:
        """The integers of an activation that is made of some."""
        source = dequantised(op.x, self.network)
        if source is None:
            return None
        zero = None if source.zero is None else builder.cast(source.zero, i32)
        return Activation(source.integers(builder, self.moved.setdefault(op.parent, {})), source.scale, zero)

    def _quantised(self, builder: DigitalBuilder, op: MatmulOp) -> Activation:
        """Integers for an activation of floats; an image with one scale becomes integers before it is gathered."""
        seen = gathered(op.x, self.network)
        if self.activations == TOKEN or (self.activations == STATIC and op not in self.ranges):
            activation = per_token(builder, builder.cast(op.x, f32), seen)
        else:
            x = builder.cast(op.x if seen is None else seen.image, f32)
            static_ = self.activations == STATIC
            activation = static(builder, x, *self.ranges[op]) if static_ else per_tensor(builder, x)
            if seen is not None:
                activation = replace_field(activation, values=seen.vectors(builder, activation.values))
        return marked(builder, activation, op.x, seen, self.marks)


def _quantised_at(x: SSAValue, network: Network) -> SSAValue:
    """The value whose range is that of an activation with one scale."""
    seen = gathered(x, network)
    return x if seen is None else seen.image


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
    if not isinstance(structure, BlocksAttr) or weight.kind != REPEATED:
        return None
    return tied_columns(floats, structure.rectangles)


def _quantised_again(floats: Remake, groups: Array | None) -> Array:
    return quantized_columns(floats(), groups)[0]
