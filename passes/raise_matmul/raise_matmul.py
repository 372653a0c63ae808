"""Multiplications by constant weights, however ONNX writes them, become `cim.matmul`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, NoneType, SymbolRefAttr, TensorType
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.utils.hints import isa

from dialects.attributes.onnx_attributes import integer, integers, real
from dialects.cim import AffineAttr, DigitalOp
from dialects.element_types import Array, element_type, numpy_element
from dialects.network import Network, shape_of
from passes.raise_matmul.integer_products import raise_matmul_integer, raise_qlinear_matmul
from passes.rewriting.constants import ConstantMatrix, computes_constants, constant_matrix, constant_of, is_float
from passes.rewriting.digital import DigitalBuilder, check_vectors, replace
from passes.rewriting.sweep import sweep


@dataclass(frozen=True)
class RaiseMatmulPass(ModulePass):
    """Raise `MatMul`, `Gemm`, 1x1 `Conv`, `MatMulInteger` and `QLinearMatMul` with a constant weight to `cim.matmul`.

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
    The importer applies it too, so that an imported network shows its multiplications.
    Leaves alone: multiplications of two activations, those inside control flow, and weights that are no matrices.
    """

    name = "raise-matmul"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        network, constant = Network.of(ctx, op), set[SSAValue]()
        for one in list(network.block.ops):
            is_constant = computes_constants(one, constant)
            if isinstance(one, DigitalOp) and one.is_standard and one.op_type.data in _RULES:
                if one.op_type.data in _FLOAT_RULES and constant.issuperset(one.inputs[:2]):
                    continue  # left to fold-constants
                raised = _RULES[one.op_type.data](one, network)
                if raised is not None:
                    replace(one, raised)
                    if is_constant:
                        constant.add(raised)
        sweep(network)


def _raise_matmul(op: DigitalOp, network: Network) -> SSAValue | None:
    """`x W`, and `W x` as `(x' W')'`."""
    right = constant_matrix(op.inputs[1], network)
    builder = DigitalBuilder(network, op)
    if right is not None and is_float(op.inputs[0]):
        return _product(builder, op.inputs[0], right)
    left, x = constant_matrix(op.inputs[0], network), op.inputs[1]
    shape = shape_of(x.type)
    if left is None or not is_float(x) or not shape:
        return None
    if len(shape) == 1:
        return _product(builder, x, left.transposed())
    order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    product = _product(builder, builder.transpose(x, order), left.transposed())
    return None if product is None else builder.transpose(product, order)


def _raise_gemm(op: DigitalOp, network: Network) -> SSAValue | None:
    """`alpha * A B + beta * C`, either factor transposed and either constant (`A B` is `(B' A')'`)."""
    builder = DigitalBuilder(network, op)
    swapped = constant_matrix(op.inputs[1], network) is None
    x, constant = (op.inputs[1], op.inputs[0]) if swapped else (op.inputs[0], op.inputs[1])
    matrix = constant_matrix(constant, network)
    if matrix is None or not is_float(x) or len(shape_of(x.type) or ()) != 2:
        return None
    turned = [integer(op.setting, name, 0) != int(swapped) for name in ("transA", "transB")]
    turn_x, turn_matrix = reversed(turned) if swapped else turned
    x = builder.transpose(x, [1, 0]) if turn_x else x
    y = _product(builder, x, matrix.transposed() if turn_matrix else matrix)
    if y is None:
        return None
    y = builder.transpose(y, [1, 0]) if swapped else y
    y = _times(builder, y, real(op.setting, "alpha", 1.0))
    if len(op.inputs) < 3 or isinstance(op.inputs[2].type, NoneType):
        return y
    return builder.elementwise("Add", y, _times(builder, op.inputs[2], real(op.setting, "beta", 1.0)))


def _times(builder: DigitalBuilder, value: SSAValue, factor: float) -> SSAValue:
    dtype = numpy_element(element_type(value.type))
    if factor == 1.0:
        return value
    return builder.elementwise("Mul", value, builder.constant(np.array(factor, dtype), "factor"))


def _raise_conv(op: DigitalOp, network: Network) -> SSAValue | None:
    """A convolution whose kernel is one point: channels move to the last axis and back."""
    x, kernel = op.inputs[0], constant_of(op.inputs[1], network)
    if kernel is None or not _is_pointwise(op, kernel.shape) or not isa(x.type, TensorType):
        return None
    rank = kernel.ndim
    if rank != x.type.get_num_dims():
        return None
    builder = DigitalBuilder(network, op)
    name = op.inputs[1].name_hint or "kernel"
    matrix = ConstantMatrix(np.ascontiguousarray(kernel.reshape(kernel.shape[:2]).T), f"{name}.matrix")
    y = _product(builder, builder.transpose(x, [0, *range(2, rank), 1]), matrix)
    if y is None:
        return None
    if len(op.inputs) > 2 and not isinstance(op.inputs[2].type, NoneType):
        y = builder.elementwise("Add", y, op.inputs[2])
    return builder.transpose(y, [0, rank - 1, *range(1, rank - 1)])


def _is_pointwise(op: DigitalOp, kernel: tuple[int, ...]) -> bool:
    """Kernel 1 in every direction, one group, no stride, no padding."""
    settings, rank = op.setting, len(kernel)
    return (
        rank >= 3
        and all(size == 1 for size in kernel[2:])
        and integer(settings, "group", 1) == 1
        and set(integers(settings, "strides") or [1]) == {1}
        and set(integers(settings, "pads") or [0]) == {0}
        and is_float(op.inputs[0])
    )


def _product(builder: DigitalBuilder, x: SSAValue, matrix: ConstantMatrix) -> SSAValue | None:
    """`x` times a matrix; None for integers without a scale, and for a matrix of another type than `x`."""
    columns = matrix.values.shape[1]
    kind = matrix.values.dtype if matrix.scale is None else matrix.scale.dtype
    if numpy_element(element_type(x.type)) != kind:
        return None
    check_vectors(x, len(matrix.values), builder.anchor)
    if matrix.scale is None:
        symbol = matrix.symbol or builder.weight(matrix.values, matrix.name)
        return builder.matmul(x, symbol, columns) if matrix.values.dtype.kind == "f" else None
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


_RULES: dict[str, Callable[[DigitalOp, Network], SSAValue | None]] = {
    "MatMul": _raise_matmul,
    "Gemm": _raise_gemm,
    "Conv": _raise_conv,
    "MatMulInteger": raise_matmul_integer,
    "QLinearMatMul": raise_qlinear_matmul,
}
_FLOAT_RULES = ("MatMul", "Gemm", "Conv")
