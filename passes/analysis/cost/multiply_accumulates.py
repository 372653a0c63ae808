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
        return _projecting_attention(4)(inputs, outputs)
    return _COUNTS[op_type](inputs, outputs)


def weight_multiply_accumulates(
    op_type: str, inputs: Shapes, outputs: Shapes, equation: str = "", domain: str = ""
) -> int:
    """Those of the products that the operand is part of that `weight_operands` names: all but those of attention."""
    if is_projecting_attention(op_type, domain):
        return _projection(inputs, outputs)
    return multiply_accumulates(op_type, inputs, outputs, equation, domain)


def is_projecting_attention(op_type: str, domain: str) -> bool:
    """Whether an operator multiplies by a packed weight before it attends: ONNX Runtime's own do."""
    return op_type == "QAttention" or (op_type == "Attention" and domain == "com.microsoft")


def weight_operands(op_type: str, domain: str, count: int) -> tuple[int, ...]:
    """Which of the `count` inputs of an operator a weight can be; none of an operator that has no weights."""
    if op_type == "Einsum":
        return tuple(range(count))
    if is_projecting_attention(op_type, domain):
        return (1,)
    return tuple(index for index in _WEIGHTS.get(op_type, ()) if index < count)


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


def _fused_matmul(inputs: Shapes, outputs: Shapes) -> int:
    """K from the last two dimensions of A, because A may be transposed."""
    rows = _size(outputs, 0, -2) if len(_shape(inputs, 0)) > 1 else 1
    return math.prod(outputs[0]) * (_size(inputs, 0, -2) * _size(inputs, 0, -1) // rows) if rows else 0


def _recurrent(inputs: Shapes, outputs: Shapes) -> int:
    """Each vector of `[steps, batch, in]` meets all weights of the input and of the step before, in all directions."""
    vectors = _size(inputs, 0, 0) * _size(inputs, 0, 1)
    return vectors * (math.prod(_shape(inputs, 1)) + math.prod(_shape(inputs, 2)))


def _experts(*weights: int) -> Callable[[Shapes, Shapes], int]:
    """Each vector meets the weights `[experts, ...]` of one expert: how many are chosen is no matter of shapes."""

    def count(inputs: Shapes, outputs: Shapes) -> int:
        given = [index for index in weights if _is_given(inputs, index)]
        return math.prod(outputs[0][:-1]) * max(1, sum(math.prod(_shape(inputs, index)[1:]) for index in given))

    return count


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


def _projecting_attention(past: int) -> Callable[[Shapes, Shapes], int]:
    """ONNX Runtime's own: vectors `[batch, T, in]` times weights `[in, Q + K + V]`, then attention."""

    def count(inputs: Shapes, outputs: Shapes) -> int:
        keys = _size(outputs, 0, 1) + _earlier(inputs, past)
        return _projection(inputs, outputs) + 2 * math.prod(outputs[0]) * keys

    return count


def _projection(inputs: Shapes, outputs: Shapes) -> int:
    return _size(outputs, 0, 0) * _size(outputs, 0, 1) * math.prod(_shape(inputs, 1))


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
    "MatMulIntegerToFloat": _matmul,
    "DynamicQuantizeMatMul": _matmul,
    "QLinearMatMul": _matmul,
    "MatMulNBits": _matmul,
    "MatMulBnb4": _matmul,
    "FusedMatMul": _fused_matmul,
    "Gemm": _gemm,
    "QGemm": _gemm,
    "FusedGemm": _gemm,
    "MoE": _experts(2, 4, 6),
    "QMoE": _experts(2, 5, 8),
    "GemmFastGelu": _matmul,
    "Conv": _convolution(1),
    "FusedConv": _convolution(1),
    "ConvInteger": _convolution(1),
    "DeformConv": _convolution(1),
    "QLinearConv": _convolution(3),
    "ConvTranspose": _transposed_convolution,
    "LSTM": _recurrent,
    "DynamicQuantizeLSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
    "Attention": _attention(4),
    "QAttention": _projecting_attention(8),
    "MultiHeadAttention": _attention(6),
    "GroupQueryAttention": _attention(3),
}
COUNTED = (*_COUNTS, "Einsum")
"""The operators whose products are counted."""

_WEIGHTS = {
    **dict.fromkeys(("MatMul", "MatMulInteger", "MatMulIntegerToFloat", "FusedMatMul", "Gemm", "FusedGemm"), (0, 1)),
    **dict.fromkeys(("DynamicQuantizeMatMul", "MatMulNBits", "MatMulBnb4", "GemmFastGelu"), (1,)),
    **dict.fromkeys(("QLinearMatMul", "QGemm"), (0, 3)),
    **dict.fromkeys(("Conv", "FusedConv", "ConvInteger", "DeformConv", "ConvTranspose"), (1,)),
    "QLinearConv": (3,),
    "MoE": (2, 4, 6),
    "QMoE": (2, 5, 8),
    **dict.fromkeys(("LSTM", "DynamicQuantizeLSTM", "GRU", "RNN"), (1, 2)),
}
