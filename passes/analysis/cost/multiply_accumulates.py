"""How many multiply-accumulates an ONNX operator takes that multiplies two tensors."""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = Sequence[Shape]


LEFT_OUT: Shape = (0,)
"""The shape of an optional input that is not given."""


def multiply_accumulates(op_type: str, inputs: Shapes, outputs: Shapes, equation: str = "", domain: str = "") -> int:
    """Products that the operator sums up, by the shapes of its tensors; one of COUNTED.

    A tensor of unknown rank has the shape (), and all of its dimensions count as 1.
    """
    if op_type == "Einsum":
        return _einsum(equation, inputs)
    if op_type == "Attention" and domain == "com.microsoft":
        return _projecting_attention(inputs, outputs)
    return _COUNTS[op_type](inputs, outputs)


def _size(shapes: Shapes, index: int, axis: int) -> int:
    """A dimension of a tensor, 1 where the tensor has no such dimension or rank is unknown."""
    shape = _shape(shapes, index)
    return shape[axis] if -len(shape) <= axis < len(shape) else 1


def _shape(shapes: Shapes, index: int) -> Shape:
    return shapes[index] if index < len(shapes) else ()


def _is_given(shapes: Shapes, index: int) -> bool:
    return index < len(shapes) and shapes[index] != LEFT_OUT


def _matmul(inputs: Shapes, outputs: Shapes) -> int:
    """`[..., M, K] x [..., K, N]`: every element of the output sums K products."""
    return math.prod(outputs[0]) * _size(inputs, 0, -1)


def _gemm(inputs: Shapes, outputs: Shapes) -> int:
    """K from the elements of A, because A may be transposed."""
    rows = _size(outputs, 0, 0)
    return math.prod(outputs[0]) * (math.prod(inputs[0]) // rows) if rows else 0


def _convolution(weight: int) -> Callable[[Shapes, Shapes], int]:
    """Every element of the output sums the products with one filter; `weight` is the filters' input."""
    return lambda inputs, outputs: math.prod(outputs[0]) * math.prod(_shape(inputs, weight)[1:])


def _transposed_convolution(inputs: Shapes, outputs: Shapes) -> int:
    """Every element of the input meets each value of its filter, `[in, out / groups, ...]`, once."""
    return math.prod(inputs[0]) * math.prod(_shape(inputs, 1)[1:])


def _attention(past: int) -> Callable[[Shapes, Shapes], int]:
    """Queries times keys and probabilities times values; `past` is the input with earlier keys, `[..., T, D]`.

    Keys are `[..., T, D]`. Keys may also be packed with values, `[batch, T, heads, 2, D]`, or with queries and values:
    then there is no second input, and there are as many queries and keys as vectors in the output, `[batch, T, D]`.
    """

    def count(inputs: Shapes, outputs: Shapes) -> int:
        products = math.prod(outputs[0])
        if not _is_given(inputs, 1):
            queries, keys = products, _size(outputs, 0, -2)
        else:
            queries, keys = math.prod(inputs[0]), _size(inputs, 1, 1 if len(inputs[1]) == _PACKED_RANK else -2)
        return (queries + products) * (keys + _earlier(inputs, past))

    return count


_PACKED_RANK = 5


def _earlier(inputs: Shapes, past: int) -> int:
    return _size(inputs, past, -2) if _is_given(inputs, past) and len(inputs[past]) > 1 else 0


def _projecting_attention(inputs: Shapes, outputs: Shapes) -> int:
    """ONNX Runtime's own: vectors `[batch, T, in]` times weights `[in, Q + K + V]`, then attention."""
    products, vectors = math.prod(outputs[0]), _size(outputs, 0, 0) * _size(outputs, 0, 1)
    keys = _size(outputs, 0, 1) + _earlier(inputs, 4)
    return vectors * math.prod(_shape(inputs, 1)) + 2 * products * keys


def _einsum(equation: str, inputs: Shapes) -> int:
    """The product of the sizes of all indices, those of an ellipsis included."""
    sizes: dict[str, int] = {}
    for term, shape in zip(equation.replace(" ", "").split("->")[0].split(","), inputs):
        before, _, after = term.partition("...")
        middle = shape[len(before) : len(shape) - len(after)]
        names = [*before, *(f"...{len(middle) - i}" for i in range(len(middle))), *after]
        for name, size in zip(names, shape or (1,) * len(names)):
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
