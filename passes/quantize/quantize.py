"""Float multiplications become integer ones: weights of a few bits per column, uint8 activations per token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.chip.formats import MOST_BITS
from dialects.cim import MatmulOp, ReadOp
from dialects.element_types import element_type, f32, i32
from dialects.errors import UserError
from dialects.network import Network
from dialects.notes import LayerNotes
from dialects.semantics.weight_values import column_order, zero_point_of
from passes.quantize.activations import Activation, marked, per_tensor, per_token, static
from passes.quantize.analysis.choices import (
    AUTO,
    COLUMN,
    DEFAULT_QUALITY_BUDGET,
    STATIC,
    TOKEN,
    Resolution,
    check_activations,
    check_bits,
)
from passes.quantize.automatic import Automatic
from passes.quantize.calibrated import calibrated
from passes.quantize.dequantised import dequantised
from passes.quantize.float_weights import NAMES, FloatWeights
from passes.quantize.gathered import gathered
from passes.quantize.products import accumulated, quantised_product, scaled
from passes.quantize.smoothing import SMOOTHING, smooth
from passes.quantize.summed_groups import summed_groups
from passes.rewriting.calibration.activations import body_ranges, ranges
from passes.rewriting.digital import DigitalBuilder
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
    (`DynamicQuantizeLinear`) or static; one that is dequantised just before keeps its own integers. Weights of fewer
    bits have scales of least error, and with `weight-group` one for every so many rows: the groups become blocks, whose
    products are scaled and added up.
    Leaves alone: multiplications of integers.
    Needs IR from before `schedule-arrays`.
    """

    name = "quantize"
    activations: str = TOKEN
    """`token`, `tensor`, or `static` (ranges from the inputs in `calibration`)."""
    calibration: str | None = None
    """An .npz file with one array for each input of the network."""
    weight_bits: int | str = MOST_BITS
    """Of a weight: 8, 6, 4, 3, 2, or `auto`: what `quality_budget` asks for, weight by weight."""
    weight_group: int | str = COLUMN
    """How many successive rows of a column have one scale; `column` for all."""
    activation_bits: int = MOST_BITS
    """Of an activation: 4 to 8."""
    quality_budget: float | int = DEFAULT_QUALITY_BUDGET
    """Relative error that `auto` may make."""
    smooth: bool = False
    """Divide channels of activations with outliers, by what `calibration` tells, where products lose less so."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_activations(self.activations)
        check_bits(self.weight_bits, self.weight_group, self.activation_bits)
        network = Network.of(ctx, op)
        matmuls = [o for o in network.ops if isinstance(o, MatmulOp) and not o.is_integer]
        notes = LayerNotes(*NAMES, SMOOTHING)
        if self.smooth:
            self._smooth(network, matmuls, notes)
        seen: dict[MatmulOp, tuple[float, float]] = {}
        if self.activations == STATIC:
            if self.calibration is None:
                raise UserError('activations=static needs calibration inputs: give them as calibration="x.npz"')
            source_of = {m: _quantised_at(m.x, network) for m in matmuls}
            inside = {m: source for m, source in source_of.items() if m.parent is not network.block}
            range_of = ranges(network, [s for m, s in source_of.items() if m not in inside], self.calibration)
            seen = {m: range_of[source] for m, source in source_of.items() if m not in inside}
            seen |= body_ranges(network, inside, self.calibration)
        weights = FloatWeights(network, self._resolution(), notes)
        if self.weight_bits == AUTO:
            weights = Automatic(weights.resolution.group, self.quality_budget, self.calibration).chosen(
                weights, matmuls
            )
        elif self.calibration is not None:
            weights = calibrated(weights, matmuls, self.calibration)
        rewrite(matmuls, Quantize(network, self.activations, seen, weights, self.activation_bits))
        notes.write(op)
        sweep(network)

    def _smooth(self, network: Network, matmuls: Sequence[MatmulOp], notes: LayerNotes) -> None:
        if self.calibration is None:
            raise UserError('smooth needs calibration inputs: give them as calibration="x.npz"')
        smooth(network, matmuls, self.calibration, self._resolution().bits, self.activation_bits, notes)

    def _resolution(self) -> Resolution:
        """That of the weights for which no other is chosen."""
        bits = self.weight_bits if isinstance(self.weight_bits, int) else MOST_BITS
        return Resolution(bits, None if isinstance(self.weight_group, str) else self.weight_group)


@dataclass(frozen=True)
class Quantize(RewritePattern):
    """The integer multiplication that stands for one of floats; an activation of several is quantised once."""

    network: Network
    activations: str
    ranges: Mapping[MatmulOp, tuple[float, float]]
    """What the inputs of each are between, if activations are static; without, a product has a scale for each token."""
    weights: FloatWeights
    activation_bits: int = MOST_BITS
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
        groups = summed_groups(op, self.network)
        if groups is not None:
            product = quantised_product(builder, self.known[key], groups.weight, op.symbol)
            product = builder.cast(product, element_type(op.result.type))
            rewriter.replace(groups.total, (), [product])
            for done in (groups.split, op):
                rewriter.erase(done)
        else:
            product = self._product(builder, op, self.known[key])
            rewriter.replace(op, (), [product])
        self.marks[product] = self.known[key].scale

    def _dequantised(self, builder: DigitalBuilder, op: MatmulOp) -> Activation | None:
        """The integers of an activation that is made of some."""
        source = dequantised(op.x, self.network)
        if source is None:
            return None
        zero = None if source.zero is None else builder.cast(source.zero, i32)
        return Activation(source.integers(builder, self.moved.setdefault(op.parent, {})), source.scale, zero)

    def _quantised(self, builder: DigitalBuilder, op: MatmulOp) -> Activation:
        """Integers for an activation of floats; an image with one scale becomes integers before it is gathered."""
        seen, bits = gathered(op.x, self.network), self.activation_bits
        if self.activations == TOKEN or (self.activations == STATIC and op not in self.ranges):
            activation = per_token(builder, builder.cast(op.x, f32), seen, bits)
        else:
            x = builder.cast(op.x if seen is None else seen.image, f32)
            static_ = self.activations == STATIC
            activation = static(builder, x, *self.ranges[op], bits) if static_ else per_tensor(builder, x, bits)
            if seen is not None:
                activation = replace_field(activation, values=seen.vectors(builder, activation.values))
        return marked(builder, activation, op.x, seen, self.marks)

    def _product(self, builder: DigitalBuilder, matmul: MatmulOp, x: Activation) -> SSAValue:
        """`(q_x - zero_x) (q_w - zero_w) * (scale_x * scale_w)` in the element type of the network."""
        network, weight = self.network, self.network.weight(matmul.symbol)
        if weight.affine is None:
            product = quantised_product(builder, x, self.weights.stored(builder, matmul), weight.symbol)
            return builder.cast(product, element_type(matmul.result.type))
        scale_symbol = weight.affine.scale_symbol
        scale = builder.add(ReadOp(scale_symbol, network.weight(scale_symbol).tensor_type))
        scale = builder.cast(scale, f32)
        order, zero = column_order(weight, network), zero_point_of(weight, network)
        integers = IntegerWeight(weight.array(network.store), zero, weight.symbol, order)
        acc = accumulated(builder, x, weight.symbol, integers.columns)
        acc = corrected(builder, x.values, acc, x.zero, integers)
        return builder.cast(scaled(builder, acc, x, scale, integers.columns), element_type(matmul.result.type))


def _quantised_at(x: SSAValue, network: Network) -> SSAValue:
    """The value whose range is that of an activation with one scale."""
    seen = gathered(x, network)
    return x if seen is None else seen.image
