"""How many multiply-accumulates an ONNX operator takes that multiplies two tensors."""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = Sequence[Shape]


def multiply_accumulates(op_type: str, inputs: Shapes, outputs: Shapes, equation: str = "") -> int:
    """Products that the operator sums up, by the shapes of its tensors; one of COUNTED."""
    if op_type == "Einsum":
        return _einsum(equation, inputs)
    return _COUNTS[op_type](inputs, outputs)


def _matmul(inputs: Shapes, outputs: Shapes) -> int:
    """`[..., M, K] x [..., K, N]`: every element of the output sums K products."""
    return math.prod(outputs[0]) * inputs[0][-1]


def _gemm(inputs: Shapes, outputs: Shapes) -> int:
    """K from the elements of A, because A may be transposed."""
    rows = outputs[0][0]
    return math.prod(outputs[0]) * (math.prod(inputs[0]) // rows) if rows else 0


def _convolution(weight: int) -> Callable[[Shapes, Shapes], int]:
    """Every element of the output sums the products with one filter; `weight` is the filters' input."""
    return lambda inputs, outputs: math.prod(outputs[0]) * math.prod(inputs[weight][1:])


def _transposed_convolution(inputs: Shapes, outputs: Shapes) -> int:
    """Every element of the input meets each value of its filter, `[in, out / groups, ...]`, once."""
    return math.prod(inputs[0]) * math.prod(inputs[1][1:])


def _attention(past: int) -> Callable[[Shapes, Shapes], int]:
    """Queries times keys and probabilities times values; `past` is the input with earlier keys, `[..., T, D]`."""

    def count(inputs: Shapes, outputs: Shapes) -> int:
        keys = inputs[1][-2] + (inputs[past][-2] if len(inputs) > past and len(inputs[past]) > 1 else 0)
        return (math.prod(inputs[0]) + math.prod(outputs[0])) * keys

    return count


def _einsum(equation: str, inputs: Shapes) -> int:
    """The product of the sizes of all indices, those of an ellipsis included."""
    sizes: dict[str, int] = {}
    for term, shape in zip(equation.replace(" ", "").split("->")[0].split(","), inputs, strict=True):
        before, _, after = term.partition("...")
        middle = shape[len(before) : len(shape) - len(after)]
        names = [*before, *(f"...{len(middle) - i}" for i in range(len(middle))), *after]
        for name, size in zip(names, shape, strict=True):
            sizes[name] = max(size, sizes.get(name, size))
    return math.prod(sizes.values())


_COUNTS = {
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _matmul,
    "Gemm": _gemm,
    "Conv": _convolution(1),
    "ConvInteger": _convolution(1),
    "QLinearConv": _convolution(3),
    "ConvTranspose": _transposed_convolution,
    "Attention": _attention(4),
    "MultiHeadAttention": _attention(6),
    "GroupQueryAttention": _attention(3),
}
COUNTED = (*_COUNTS, "Einsum")
"""The operators whose products are counted."""
