"""Reads integers off the operators that dequantise, move and join them on their way to a multiplication.

What exporters write of weight-only integers are chains of `Cast`, `Sub`, `Mul`, `Div`, `DequantizeLinear`, `Add` and
data movement, in any order. Read off such a chain are the integers and, in the same shape, what they stand for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import ml_dtypes
import numpy as np
from xdsl.dialects.builtin import NoneType
from xdsl.ir import SSAValue

from dialects.attributes.onnx_attributes import integer, integers
from dialects.cim import ConstantOp, DigitalOp, ReadOp
from dialects.element_types import Array, element_type, numpy_element
from dialects.network import Network, shape_of
from passes.rewriting.constants.constant_movements import MOVEMENTS, integers_of
from passes.rewriting.constants.constant_tensors import NARROW, ConstantTensor, Terms, constant_of, narrowed
from passes.rewriting.constants.joined_constants import joined

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
"""A float for ONNX, but no `f` for numpy."""
MOST_TERMS = 4
"""Dequantised parts of which a weight is the sum."""
MOST_STEPS = 100
"""Operators between constants and a multiplication."""


def dequantized_terms(value: SSAValue, network: Network) -> Terms:
    """Constants whose sum is `value`, at least one of them of integers; none where it is no such sum.

    There are several where a correction, of outliers say, is added to what was dequantised.
    """
    if not isinstance(value.owner, DigitalOp) or not _is_read_off(value):
        return ()
    terms = Reader(network).terms(value)
    return terms if any(term.is_quantized for term in terms) else ()


def _is_read_off(value: SSAValue) -> bool:
    """Whether all that `value` is made of is constant, and the way from there short."""
    pending, seen = [value], set[SSAValue]()
    while pending:
        current = pending.pop()
        owner = current.owner
        if current in seen or isinstance(owner, ConstantOp | ReadOp) or isinstance(current.type, NoneType):
            continue
        if not isinstance(owner, DigitalOp) or _reader_of(owner) is None or len(seen) == MOST_STEPS:
            return False
        seen.add(current)
        pending += owner.inputs
    return True


_MATRICES = ("MatMul", "Gemm", "Einsum", "FusedMatMul", "FusedGemm", "LSTM", "GRU", "RNN")
PRODUCTS = (*_MATRICES, "Conv", "FusedConv", "ConvTranspose")
"""Operators whose factors are read off."""


def leads_to_product(value: SSAValue) -> bool:
    """Whether `value`, moved and scaled, is a factor of a product."""
    pending, seen = [value], set[SSAValue]()
    while pending and len(seen) < MOST_STEPS:
        current = pending.pop()
        seen.add(current)
        for user in (use.operation for use in current.uses):
            if not isinstance(user, DigitalOp):
                continue
            if user.op_type.data in PRODUCTS:
                return True
            if _reader_of(user) is not None:
                pending += [result for result in user.outputs if result not in seen]
    return False


@dataclass
class Reader:
    """Reads values off their operators, each once."""

    network: Network
    known: dict[SSAValue, Terms] = field(default_factory=dict[SSAValue, Terms])

    def terms(self, value: SSAValue) -> Terms:
        """Constants whose sum is `value`, one where it is a constant itself; none where there are no such."""
        if value not in self.known:
            self.known[value] = self._read(value)
        return self.known[value]

    def _read(self, value: SSAValue) -> Terms:
        owner, array = value.owner, constant_of(value, self.network)
        if array is not None:
            symbol = owner.symbol if isinstance(owner, ReadOp) else None
            return (ConstantTensor(array, symbol or value.name_hint or "weight", symbol),) if array.size else ()
        read = _reader_of(owner) if isinstance(owner, DigitalOp) else None
        if read is None:
            return ()
        assert isinstance(owner, DigitalOp)
        try:
            terms = read(owner, value, self)
        except ValueError:  # numpy's word for shapes that do not fit, which ONNX Runtime refuses as well
            return ()
        return terms if len(terms) <= MOST_TERMS else ()

    def numbers(self, value: SSAValue) -> Array | None:
        """The array of a constant, also of one that is dequantised (scales and zero points are, at times)."""
        terms = self.terms(value)
        return terms[0].numbers() if len(terms) == 1 else None

    def array(self, value: SSAValue) -> Array | None:
        """The array of a value that is a constant as it stands."""
        return constant_of(value, self.network)


def _reader_of(op: DigitalOp) -> "Callable[[DigitalOp, SSAValue, Reader], Terms] | None":
    """How a dequantising or moving operator is read; None for other operators."""
    is_known = op.is_standard or op.is_runtimes("DequantizeLinear")
    return _READERS.get(op.op_type.data) if is_known and op.inputs else None


def _cast(op: DigitalOp, value: SSAValue, reader: Reader) -> Terms:
    """Integers become floats of scale 1; what is rounded to a narrower float is taken as it was before."""
    dtype, terms = numpy_element(element_type(value.type)), reader.terms(op.inputs[0])
    if dtype is None or not terms:
        return ()
    dtype = np.dtype(np.float32) if dtype == _BFLOAT16 else dtype
    if all(term.is_quantized for term in terms):
        floats = [replace(t, scale=_repeated(t.scale.astype(dtype), t.shape)) for t in terms if t.scale is not None]
        return tuple(floats) if dtype.kind == "f" else ()
    values = narrowed(terms[0].values) if len(terms) == 1 else None
    if values is None:
        return ()
    if dtype.kind == "f":
        return (replace(terms[0], values=values, scale=_repeated(np.ones((), dtype), values.shape)),)
    return terms if np.issubdtype(dtype, np.signedinteger) and dtype.itemsize > 1 else ()


def _dequantized(op: DigitalOp, value: SSAValue, reader: Reader) -> Terms:
    (tensor,) = reader.terms(op.inputs[0]) or (None,)
    scale = reader.numbers(op.inputs[1]) if len(op.inputs) > 1 else None
    given = len(op.inputs) > 2 and shape_of(op.inputs[2].type) is not None
    zero = reader.numbers(op.inputs[2]) if given else None
    if tensor is None or tensor.is_quantized or tensor.values.dtype not in NARROW or scale is None:
        return ()
    if scale.dtype.kind != "f" or (given and zero is None):
        return ()
    dtype = numpy_element(element_type(value.type))
    scale = scale if dtype is None else scale.astype(dtype)
    zero = None if zero is None or not zero.any() else zero.astype(np.int32)
    scales, zeros = (_along(op, array, tensor.shape) for array in (scale, zero))
    if scales is None or (zero is not None and zeros is None):
        return ()
    return (replace(tensor, scale=scales, zero_point=zeros),)


def _along(op: DigitalOp, array: Array | None, shape: tuple[int, ...]) -> Array | None:
    """Scales or zero points in the shape of what they belong to: for all, along an axis, or for blocks along it."""
    if array is None:
        return None
    if array.size == 1:
        return _repeated(array.reshape(()), shape)
    rank, size = len(shape), integer(op.setting, "block_size", 0)
    axis = integer(op.setting, "axis", 1)
    if not -rank <= axis < rank:
        return None
    axis %= rank
    if not size:
        return _repeated(array.reshape([-1 if i == axis else 1 for i in range(rank)]), shape)
    if array.ndim != rank:
        return None
    return _repeated(np.repeat(array, size, axis=axis)[(slice(None),) * axis + (slice(shape[axis]),)], shape)


def _scaled(op: DigitalOp, value: SSAValue, reader: Reader) -> Terms:
    """`Mul` or `Div` by constants: scales of what is dequantised."""
    division = op.is_a("Div")
    for one, other in ((0, 1),) if division else ((0, 1), (1, 0)):
        terms, factor = reader.terms(op.inputs[one]), reader.numbers(op.inputs[other])
        if factor is None or factor.dtype.kind != "f" or not any(t.is_quantized for t in terms):
            continue
        if division and not factor.all():
            return ()
        return tuple(_times(term, 1 / factor if division else factor) for term in terms)
    return ()


def _times(term: ConstantTensor, factor: Array) -> ConstantTensor:
    term = term.widened(np.broadcast_shapes(term.shape, factor.shape))
    if term.scale is None:
        return replace(term, values=term.values * factor, symbol=None, name=f"{term.name}.scaled")
    return replace(term, scale=_repeated(_fewest(term.scale) * factor, term.shape))


def _sum(op: DigitalOp, value: SSAValue, reader: Reader) -> Terms:
    """`Add` or `Sub`: a zero point where whole numbers meet integers of scale 1; else two constants, or more."""
    sign = 1 if op.is_a("Add") else -1
    left, right = (reader.terms(operand) for operand in op.inputs[:2])
    if not left or not right:
        return ()
    for terms, others, forward in ((left, right, True), (right, left, False)):
        shifted = _shifted(terms, others, sign) if forward or sign == 1 else None
        if shifted is not None:
            return (shifted,)
    if not any(term.is_quantized for term in (*left, *right)):
        return ()
    shape = np.broadcast_shapes(*(term.shape for term in (*left, *right)))
    parts = (*left, *(_times(t, np.array(sign, _float_of(t))) if sign < 0 else t for t in right))
    is_whole = all(t.values.dtype.kind == "f" or t.is_quantized for t in parts)
    return tuple(term.widened(shape) for term in parts) if is_whole else ()


def _float_of(term: ConstantTensor) -> np.dtype[Any]:
    return term.values.dtype if term.scale is None else term.scale.dtype


def _shifted(terms: Terms, others: Terms, sign: int) -> ConstantTensor | None:
    """Integers that are moved by whole numbers; None where they have a scale already, or where both are integers."""
    values = narrowed(terms[0].values) if len(terms) == 1 else None
    if values is None or len(others) != 1 or others[0].values.size > values.size:
        return None
    (term,), shift = terms, others[0].numbers().astype(np.float64)
    is_scaled = term.scale is not None and (_fewest(term.scale) != 1).any()
    if is_scaled or (shift != np.rint(shift)).any():
        return None
    moved = (0 if term.zero_point is None else term.zero_point) - sign * shift
    moved = _repeated(moved.astype(np.int32), term.shape)
    return replace(term, values=values, zero_point=moved if moved.any() else None)


def _repeated(array: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(array, shape)


def _fewest(array: Array) -> Array:
    """An array without the repetitions that a view shows: 1 along axes whose numbers are one."""
    return array[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)]


def _transposed(op: DigitalOp, value: SSAValue, reader: Reader) -> Terms:
    order = integers(op.setting, "perm")
    return tuple(term.transposed(order) for term in reader.terms(op.inputs[0]))


def _moved(op: DigitalOp, value: SSAValue, reader: Reader) -> Terms:
    terms = reader.terms(op.inputs[0])
    move = MOVEMENTS[op.op_type.data](op, reader.array, terms[0].shape) if terms else None
    return () if move is None else tuple(term.moved(move) for term in terms)


def _split(op: DigitalOp, value: SSAValue, reader: Reader) -> Terms:
    terms, sizes = reader.terms(op.inputs[0]), integers_of(op, 1, "split", reader.array)
    if not terms or (sizes is None and len(op.inputs) > 1):
        return ()
    axis, number = integer(op.setting, "axis", 0), [result is value for result in op.outputs].index(True)
    length = terms[0].shape[axis] if -len(terms[0].shape) <= axis < len(terms[0].shape) else 0
    if sizes is None:
        each = -(-length // len(op.outputs))
        sizes = [min(each, length - each * i) for i in range(len(op.outputs))]
    if sum(sizes) != length or min(sizes) < 1:
        return ()
    first = sum(sizes[:number])
    places = np.arange(first, first + sizes[number])
    return tuple(term.moved(lambda array: np.take(array, places, axis=axis)) for term in terms)


def _concatenated(op: DigitalOp, value: SSAValue, reader: Reader) -> Terms:
    return joined([reader.terms(operand) for operand in op.inputs], integer(op.setting, "axis", 0))


def _same(op: DigitalOp, value: SSAValue, reader: Reader) -> Terms:
    return reader.terms(op.inputs[0])


_READERS: dict[str, Callable[[DigitalOp, SSAValue, Reader], Terms]] = {
    "Add": _sum,
    "Cast": _cast,
    "Concat": _concatenated,
    "DequantizeLinear": _dequantized,
    "Div": _scaled,
    "Identity": _same,
    "Mul": _scaled,
    "Split": _split,
    "Sub": _sum,
    "Transpose": _transposed,
    **dict.fromkeys(MOVEMENTS, _moved),
}
"""How each operator on the way from integers to a multiplication is read."""
