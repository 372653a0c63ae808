"""Products of 8-bit integers, written so that every processor computes the same integers.

On x86 processors without VNNI, ONNX Runtime adds pairs of uint8-by-int8 products in 16 bits, with saturation. Products
of two uint8 are exact everywhere, and as fast. So an int8 operand that meets a uint8 one moves by 128, together with
its zero point: `w - z = (w + 128) - (z + 128)` (N20).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto, helper

from dialects.element_types import Array
from dialects.errors import UserError

ZERO = np.array(128, np.uint8)
"""What int8 numbers move by, and so the zero point of those that had none."""


@dataclass(frozen=True)
class Operand:
    """The input of an operator that holds 8-bit integers, and the input that holds their zero point."""

    value: int
    zero: int


@dataclass(frozen=True)
class Product:
    """A product that an operator computes; without `left`, the operator makes uint8 of floats by itself."""

    left: Operand | None
    right: Operand


PRODUCTS: Mapping[tuple[str, str], tuple[Product, ...]] = {
    ("", "MatMulInteger"): (Product(Operand(0, 2), Operand(1, 3)),),
    ("", "ConvInteger"): (Product(Operand(0, 2), Operand(1, 3)),),
    ("", "QLinearMatMul"): (Product(Operand(0, 2), Operand(3, 5)),),
    ("", "QLinearConv"): (Product(Operand(0, 2), Operand(3, 5)),),
    ("com.microsoft", "QLinearConv"): (Product(Operand(0, 2), Operand(3, 5)),),
    ("com.microsoft", "QGemm"): (Product(Operand(0, 2), Operand(3, 5)),),
    ("com.microsoft", "MatMulIntegerToFloat"): (Product(Operand(0, 4), Operand(1, 5)),),
    ("com.microsoft", "QAttention"): (Product(Operand(0, 6), Operand(1, 7)),),
    ("com.microsoft", "DynamicQuantizeMatMul"): (Product(None, Operand(1, 3)),),
    ("com.microsoft", "DynamicQuantizeLSTM"): (Product(None, Operand(1, 9)), Product(None, Operand(2, 11))),
}
"""The operators of ONNX and ONNX Runtime that multiply 8-bit integers, by domain and name."""


def mixed_operands(domain: str, op_type: str, elements: Sequence[int], node: str) -> list[Operand]:
    """The int8 operands that an operator multiplies by uint8; `elements` are the ONNX element types of its inputs.

    An element type is 0 where it is not known, or where there is no such input. Raises UserError, naming `node`, if
    the type of an operand cannot be told, from its zero point neither.
    """
    mixed: list[Operand] = []
    for product in PRODUCTS.get((domain, op_type), ()):
        left = TensorProto.UINT8 if product.left is None else _element(product.left, elements)
        right = _element(product.right, elements)
        if not left or not right:
            raise UserError(
                f"node {node!r} ({op_type}): the types of the integers that it multiplies are not known: expected "
                "uint8 or int8, which a zero point of that type would tell"
            )
        if (left, right) == (TensorProto.UINT8, TensorProto.INT8):
            mixed.append(product.right)
        elif (left, right) == (TensorProto.INT8, TensorProto.UINT8) and product.left is not None:
            mixed.append(product.left)
    return mixed


def _element(operand: Operand, elements: Sequence[int]) -> int:
    return next((elements[i] for i in (operand.value, operand.zero) if i < len(elements) and elements[i]), 0)


def moved(array: Array) -> Array:
    """int8 numbers plus 128, as uint8."""
    return array.view(np.uint8) ^ ZERO


def moving_nodes(name: str, by: str, result: str, between: tuple[str, str]) -> list[NodeProto]:
    """`result`, the int8 value `name` plus 128 as uint8, by way of int32; `by` names an int32 constant of 128."""
    wide, total = between
    return [
        helper.make_node("Cast", [name], [wide], name=f"{result} widen", to=TensorProto.INT32),
        helper.make_node("Add", [wide, by], [total], name=f"{result} move"),
        helper.make_node("Cast", [total], [result], name=f"{result} narrow", to=TensorProto.UINT8),
    ]
