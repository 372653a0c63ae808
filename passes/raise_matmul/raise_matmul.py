"""Multiplications by constant weights, however ONNX writes them, become `cim.matmul`."""

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, NoneType, SymbolRefAttr
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.onnx_attributes import integer, real
from dialects.cim import DigitalOp
from dialects.element_types import Array, element_type, numpy_element
from dialects.network import Network, shape_of
from passes.raise_matmul.convolutions import RaiseConv
from passes.raise_matmul.experts import SplitExperts
from passes.raise_matmul.integer_convolutions import RaiseConvInteger, RaiseQLinearConv
from passes.raise_matmul.integer_products import RaiseMatMulInteger, RaiseQLinearMatMul
from passes.raise_matmul.recurrent import RaiseRecurrent
from passes.rewriting.constants import ComputedConstants, ConstantMatrix, constant_matrix, is_float
from passes.rewriting.digital import DigitalBuilder, check_vectors
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
    A weight that is dequantised on its way (`Cast` and `Mul`, or `DequantizeLinear`) keeps its integers and gets a
    `#cim.affine`.
    Integer multiplications keep their integers: zero points become int32 corrections, which are exact.
    Of a stack of weights that an index chooses from (`experts.py`), each multiplies the vectors that are its own.
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
        right, builder = constant_matrix(op.inputs[1], self.network), DigitalBuilder(self.network, op)
        if right is not None and is_float(op.inputs[0]):
            if _multiplies(op.inputs[0], right):
                rewriter.replace(op, (), [_product(builder, op.inputs[0], right)])
            return
        left, x = constant_matrix(op.inputs[0], self.network), op.inputs[1]
        shape = shape_of(x.type)
        if left is None or not is_float(x) or not shape or not _multiplies(x, left):
            return
        if len(shape) == 1:
            y = _product(builder, x, left.transposed())
        else:
            order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
            product = _product(builder, builder.transpose(x, order), left.transposed())
            y = builder.transpose(product, order)
        rewriter.replace(op, (), [y])


@dataclass(frozen=True)
class RaiseGemm(RewritePattern):
    """`alpha * A B + beta * C`, either factor transposed and either constant (`A B` is `(B' A')'`)."""

    network: Network
    constants: ComputedConstants

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("Gemm") or self.constants.has(*op.inputs[:2]):
            return
        swapped = constant_matrix(op.inputs[1], self.network) is None
        x, constant = (op.inputs[1], op.inputs[0]) if swapped else (op.inputs[0], op.inputs[1])
        matrix = constant_matrix(constant, self.network)
        if matrix is None or not is_float(x) or len(shape_of(x.type) or ()) != 2 or not _multiplies(x, matrix):
            return
        turned = [integer(op.setting, name, 0) != int(swapped) for name in ("transA", "transB")]
        turn_x, turn_matrix = reversed(turned) if swapped else turned
        builder = DigitalBuilder(self.network, op)
        x = builder.transpose(x, [1, 0]) if turn_x else x
        y = _product(builder, x, matrix.transposed() if turn_matrix else matrix)
        y = builder.transpose(y, [1, 0]) if swapped else y
        y = _times(builder, y, real(op.setting, "alpha", 1.0))
        bias = optional(op.inputs, 2)
        if bias is not None:
            y = builder.elementwise("Add", y, _times(builder, bias, real(op.setting, "beta", 1.0)))
        rewriter.replace(op, (), [y])


def _times(builder: DigitalBuilder, value: SSAValue, factor: float) -> SSAValue:
    dtype = numpy_element(element_type(value.type))
    if factor == 1.0:
        return value
    return builder.elementwise("Mul", value, builder.constant(np.array(factor, dtype), "factor"))


def _multiplies(x: SSAValue, matrix: ConstantMatrix) -> bool:
    """Whether `x`, of floats, has the type of the numbers that a matrix stands for."""
    return numpy_element(element_type(x.type)) == (matrix.values if matrix.scale is None else matrix.scale).dtype


def _product(builder: DigitalBuilder, x: SSAValue, matrix: ConstantMatrix) -> SSAValue:
    """`x` times a matrix of its type."""
    columns = matrix.values.shape[1]
    check_vectors(x, len(matrix.values), builder.anchor)
    if matrix.scale is None:
        symbol = matrix.symbol or builder.weight(matrix.values, matrix.name, again=matrix.again)
        return builder.matmul(x, symbol, columns)
    scale, zero = matrix.per_column(matrix.scale), matrix.per_column(matrix.zero_point)
    if scale is None or (matrix.zero_point is not None and zero is None):
        return builder.matmul(x, builder.weight(matrix.floats(), f"{matrix.name}.float"), columns)
    return builder.matmul(x, _affine_weight(builder, matrix, scale, zero), columns)


def _affine_weight(builder: DigitalBuilder, matrix: ConstantMatrix, scale: Array, zero: Array | None) -> str:
    """The int8 weight that stands for a dequantised matrix; uint8 is moved by 128, its zero point too."""
    values = matrix.values
    if values.dtype == np.uint8:
        values = (values ^ 0x80).view(np.int8)
        zero = (np.zeros(values.shape[1], np.int32) if zero is None else zero) - np.int32(128)
    scale_symbol = SymbolRefAttr(builder.weight(scale, f"{matrix.name}.scale"))
    zero_symbol = NoneType()
    if zero is not None and zero.any():
        zero_symbol = SymbolRefAttr(builder.weight(zero, f"{matrix.name}.zero"))
    return builder.weight(values, f"{matrix.name}.int8", AffineAttr(scale_symbol, zero_symbol))


FLOAT_RULES = (RaiseMatMul, RaiseGemm, RaiseConv)
INTEGER_RULES = (RaiseMatMulInteger, RaiseQLinearMatMul, RaiseConvInteger, RaiseQLinearConv)
