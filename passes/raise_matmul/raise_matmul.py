"""Multiplications by constant weights, however ONNX writes them, become `cim.matmul`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.onnx_attributes import integer, real
from dialects.cim import DigitalOp
from dialects.network import Network, shape_of
from passes.raise_matmul.attention import RaiseAttention, RaiseQAttention
from passes.raise_matmul.bnb4 import RaiseMatMulBnb4
from passes.raise_matmul.convolutions.convolutions import RaiseConv
from passes.raise_matmul.convolutions.integer_convolutions import RaiseConvInteger, RaiseQLinearConv
from passes.raise_matmul.convolutions.transposed_convolutions import RaiseConvTranspose
from passes.raise_matmul.experts.chosen_einsum import MultiplyChosen
from passes.raise_matmul.experts.experts import SplitExperts
from passes.raise_matmul.experts.mixtures import ExpandMixture
from passes.raise_matmul.float_products import float_product
from passes.raise_matmul.fused_products import (
    RaiseDynamicQuantizeMatMul,
    RaiseFusedMatMul,
    RaiseMatMulIntegerToFloat,
    RaiseQGemm,
    RaiseQuantization,
    activated,
    is_activation,
    times,
)
from passes.raise_matmul.integer_products import RaiseMatMulInteger, RaiseQLinearMatMul
from passes.raise_matmul.nbits import RaiseMatMulNBits
from passes.raise_matmul.recurrent.recurrent import RaiseRecurrent
from passes.rewriting.constants.constants import ComputedConstants, constant_matrices
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.float_products import are_multiplied, sum_of_products
from passes.rewriting.integer_products import optional
from passes.rewriting.patterns import rewrite
from passes.rewriting.sweep import sweep


@dataclass(frozen=True)
class RaiseMatmulPass(ModulePass):
    """Raise `MatMul`, `Gemm`, `Conv`, `MatMulInteger` and `QLinearMatMul` with a constant weight to `cim.matmul`.

    Before:
    ```mlir
    %w = cim.read @w : tensor<4x8xf32>
    %y = cim.digital "Gemm"(%x, %w, %b) with {transB = 1 : i64}
         : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    ```
    After:
    ```mlir
    %0 = cim.matmul %x, @w.transposed : tensor<?x8xf32> -> tensor<?x4xf32>
    %y = cim.digital "Add"(%0, %b) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    ```
    A weight that is dequantised on its way, in whatever steps, keeps its integers and gets a `#cim.affine`; so does one
    of a few bits (`MatMulNBits`). A scale for some rows each makes blocks of it, whose products are summed.
    Integer multiplications keep their integers: zero points become int32 corrections, which are exact.
    Of a stack of weights that an index chooses from (`experts.py`), each multiplies the vectors that are its own.
    Convolutions of any kernel, transposed ones too, become one vector for each position (docs/convolutions.md).
    The importer applies it too, so that an imported network shows its multiplications.
    `LSTM`, `GRU`, `RNN` and `DynamicQuantizeLSTM` become one product for the inputs of all steps, and a `Scan` with one
    for the state in each; bodies of `If`, `Loop` and `Scan` are looked at like the network itself.
    Leaves alone: multiplications of two activations, bodies whose values have unknown types, weights that are no
    matrices.
    Needs IR from before `schedule-arrays`.
    """

    name = "raise-matmul"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        network, constants = Network.of(ctx, op), ComputedConstants()
        rewrite(network.ops, ExpandMixture(network), MultiplyChosen(network))
        rewrite(network.ops, SplitExperts(network))
        floats = (rule(network, constants) for rule in FLOAT_RULES)
        integers = (rule(network) for rule in INTEGER_RULES)
        rewrite(network.ops, RaiseRecurrent(network))
        rewrite(network.ops, *floats, *integers)
        sweep(network)


@dataclass(frozen=True)
class RaiseMatMul(RewritePattern):
    """`x W`, and `W x` as `(x' W')'`; what is constant altogether is left to `fold-constants`."""

    network: Network
    constants: ComputedConstants

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("MatMul") or self.constants.has(*op.inputs[:2]):
            return
        y = float_product(DigitalBuilder(self.network, op), op.inputs[0], op.inputs[1])
        if y is not None:
            rewriter.replace(op, (), [y])


@dataclass(frozen=True)
class RaiseGemm(RewritePattern):
    """`alpha * A B + beta * C`, either factor transposed and either constant (`A B` is `(B' A')'`).

    ONNX Runtime's `FusedGemm` is the same with an activation.
    """

    network: Network
    constants: ComputedConstants

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if op.is_runtimes("FusedGemm") and not is_activation(op):
            return
        if not (op.is_a("Gemm") or op.is_runtimes("FusedGemm")) or self.constants.has(*op.inputs[:2]):
            return
        swapped = not constant_matrices(op.inputs[1], self.network)
        x, constant = (op.inputs[1], op.inputs[0]) if swapped else (op.inputs[0], op.inputs[1])
        matrices = constant_matrices(constant, self.network)
        if len(shape_of(x.type) or ()) != 2 or not are_multiplied(x, matrices):
            return
        turned = [integer(op.setting, name, 0) != int(swapped) for name in ("transA", "transB")]
        turn_x, turn_matrix = reversed(turned) if swapped else turned
        builder = DigitalBuilder(self.network, op)
        x = builder.transpose(x, [1, 0]) if turn_x else x
        y = sum_of_products(builder, x, [m.transposed() if turn_matrix else m for m in matrices])
        y = builder.transpose(y, [1, 0]) if swapped else y
        y = times(builder, y, real(op.setting, "alpha", 1.0))
        bias = optional(op.inputs, 2)
        if bias is not None:
            y = builder.elementwise("Add", y, times(builder, bias, real(op.setting, "beta", 1.0)))
        rewriter.replace(op, (), [activated(builder, y, op)])


FLOAT_RULES = (RaiseMatMul, RaiseGemm, RaiseConv, RaiseConvTranspose, RaiseFusedMatMul, RaiseAttention)
INTEGER_RULES = (
    RaiseMatMulInteger,
    RaiseQLinearMatMul,
    RaiseConvInteger,
    RaiseQLinearConv,
    RaiseMatMulNBits,
    RaiseMatMulBnb4,
    RaiseDynamicQuantizeMatMul,
    RaiseMatMulIntegerToFloat,
    RaiseQGemm,
    RaiseQuantization,
    RaiseQAttention,
)
