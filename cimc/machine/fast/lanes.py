"""Sixteen or eight numbers of 32 bits side by side: what one vector instruction works on, for use in compiled loops.

The functions and the operators + - * & | ^ << >> of Lanes exist only inside functions that numba compiles. They become
LLVM vector instructions, which LLVM turns into what the processor has. All arithmetic is unsigned and wraps around.
Positions count elements of one-dimensional contiguous arrays and are not checked.
"""

import operator
from collections.abc import Callable
from typing import Any, Protocol

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from cimc.machine.fast.words import LANES, Bytes, Words

__all__ = ["LANES", "NARROW", "Bytes", "Lanes", "Words"]
NARROW = 8
"""How many lie side by side in narrow vectors, which every processor has registers for."""

_BYTE, _WORD = ir.IntType(8), ir.IntType(32)
_VECTOR = ir.VectorType(_WORD, LANES)
_BYTES = ir.VectorType(_BYTE, 32)


class Lanes(Protocol):
    """The type of the vectors, for the type checker."""

    def __add__(self, other: "Lanes") -> "Lanes": ...
    def __sub__(self, other: "Lanes") -> "Lanes": ...
    def __mul__(self, other: "Lanes") -> "Lanes": ...
    def __and__(self, other: "Lanes") -> "Lanes": ...
    def __or__(self, other: "Lanes") -> "Lanes": ...
    def __xor__(self, other: "Lanes") -> "Lanes": ...
    def __lshift__(self, other: "Lanes") -> "Lanes": ...
    def __rshift__(self, other: "Lanes") -> "Lanes": ...


class LanesType(types.Type):
    """The type of the vectors, for numba."""

    def __init__(self, width: int) -> None:
        super().__init__(f"Lanes{width}")
        self.width = width
        self.vector = ir.VectorType(_WORD, width)


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    """A vector is a value of its own, not a structure."""

    def __init__(self, manager: Any, numba_type: LanesType) -> None:
        super().__init__(manager, numba_type, numba_type.vector)


lanes = LanesType(LANES)
narrow_lanes = LanesType(NARROW)


def _define_operator(function: Callable[[Any, Any], Any], instruction: str) -> None:
    def typer(left: Any, right: Any) -> LanesType | None:
        return left if isinstance(left, LanesType) and left == right else None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(*arguments)

    type_callable(function)(lambda context: typer)
    lower_builtin(function, LanesType, LanesType)(generate)


_INSTRUCTIONS = {
    "add": "add",
    "iadd": "add",
    "sub": "sub",
    "isub": "sub",
    "mul": "mul",
    "and_": "and_",
    "iand": "and_",
    "or_": "or_",
    "ior": "or_",
    "xor": "xor",
    "ixor": "xor",
    "lshift": "shl",
    "rshift": "lshr",
}
for _name, _instruction in _INSTRUCTIONS.items():
    _define_operator(getattr(operator, _name), _instruction)


def address(context: Any, builder: Any, array_type: Any, arguments: Any, element: Any) -> Any:
    """The address of the element that the first two arguments, an array and a position, name."""
    data = context.make_array(array_type)(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), element.as_pointer())


def spread(builder: Any, value: Any, vector: Any) -> Any:
    """A vector that holds `value` in every lane."""
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_WORD, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_WORD, vector.count), None))


def call(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    """A call of one of LLVM's own functions."""
    function_type = ir.FunctionType(result, [argument.type for argument in arguments])
    function = builder.module.globals.get(name) or ir.Function(builder.module, function_type, name)
    return builder.call(function, arguments)


@intrinsic
def splat(typing_context: Any, value: Any) -> Any:
    """`value` (an integer, of which the low 32 bits count) in every lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return spread(builder, context.cast(builder, arguments[0], value, types.uint32), _VECTOR)

    return lanes(value), generate


@intrinsic
def narrow_splat(typing_context: Any, value: Any) -> Any:
    """As `splat`, in a narrow vector."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return spread(builder, context.cast(builder, arguments[0], value, types.uint32), narrow_lanes.vector)

    return narrow_lanes(value), generate


@intrinsic
def splat_like(typing_context: Any, like: Any, value: Any) -> Any:
    """As `splat`, in a vector as wide as `like`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return spread(builder, context.cast(builder, arguments[1], value, types.uint32), like.vector)

    return like(like, value), generate


@intrinsic
def width(typing_context: Any, like: Any) -> Any:
    """How many words a vector has."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(ir.IntType(64), like.width)

    return types.int64(like), generate


@intrinsic
def load(typing_context: Any, array: Any, position: Any) -> Any:
    """Sixteen words from `position` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(address(context, builder, array, arguments, _VECTOR), align=4)

    return lanes(array, types.int64), generate


@intrinsic
def load_bytes(typing_context: Any, array: Any, position: Any) -> Any:
    """Sixteen bytes from `position` on, unsigned, each as one word."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = address(context, builder, array, arguments, ir.VectorType(_BYTE, LANES))
        return builder.zext(builder.load(place, align=1), _VECTOR)

    return lanes(array, types.int64), generate


@intrinsic
def load_like(typing_context: Any, like: Any, array: Any, position: Any) -> Any:
    """As many words as the vector `like` has, from `position` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, *place = arguments
        return builder.load(address(context, builder, array, place, like.vector), align=4)

    return like(like, array, types.int64), generate


@intrinsic
def load_splat(typing_context: Any, array: Any, position: Any) -> Any:
    """The four bytes from `position` on (in an array of bytes or of words) as one word in every lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = builder.load(address(context, builder, array, arguments, _WORD), align=1)
        return spread(builder, word, _VECTOR)

    return lanes(array, types.int64), generate


@intrinsic
def store(typing_context: Any, array: Any, position: Any, value: Any) -> Any:
    """Writes the words of a vector from `position` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], address(context, builder, array, arguments, value.vector), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), generate


@intrinsic
def prefetch(typing_context: Any, array: Any, position: Any) -> Any:
    """Asks for the memory at `position`, which may lie beyond the array's end, without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = address(context, builder, array, arguments, _BYTE)
        read, keep, data = (ir.Constant(_WORD, number) for number in (0, 3, 1))
        call(builder, "llvm.prefetch.p0", ir.VoidType(), place, read, keep, data)
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@intrinsic
def minimum(typing_context: Any, left: Any, right: Any) -> Any:
    """The smaller number of each pair."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(builder.icmp_unsigned("<", *arguments), *arguments)

    return lanes(lanes, lanes), generate


@intrinsic
def count_larger(typing_context: Any, counts: Any, left: Any, right: Any) -> Any:
    """`counts`, and 1 more where the left number is larger than the right one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counts, left, right = arguments
        more = builder.add(counts, ir.Constant(_VECTOR, [1] * LANES))
        return builder.select(builder.icmp_unsigned(">", left, right), more, counts)

    return lanes(lanes, lanes, lanes), generate


@intrinsic
def count_bits(typing_context: Any, value: Any) -> Any:
    """How many bits of each number are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return call(builder, f"llvm.ctpop.v{LANES}i32", _VECTOR, *arguments)

    return lanes(lanes), generate


@intrinsic
def ones(typing_context: Any, word: Any) -> Any:
    """How many bits of one word are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return call(builder, "llvm.ctpop.i32", _WORD, *arguments)

    return types.uint32(types.uint32), generate


@intrinsic
def total(typing_context: Any, value: Any) -> Any:
    """The sum of all lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return call(builder, f"llvm.vector.reduce.add.v{LANES}i32", _WORD, *arguments)

    return types.uint32(lanes), generate


@intrinsic
def ones_in(typing_context: Any, value: Any) -> Any:
    """How many bits of a whole vector are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counts = call(builder, f"llvm.ctpop.v{value.width}i32", value.vector, *arguments)
        return call(builder, f"llvm.vector.reduce.add.v{value.width}i32", _WORD, counts)

    return types.uint32(value), generate


@intrinsic
def any_set(typing_context: Any, value: Any) -> Any:
    """Whether any bit of a vector is set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = call(builder, f"llvm.vector.reduce.or.v{value.width}i32", _WORD, *arguments)
        return builder.icmp_unsigned("!=", bits, ir.Constant(_WORD, 0))

    return types.boolean(value), generate


@intrinsic
def gather_bit(typing_context: Any, array: Any, position: Any, mask: Any) -> Any:
    """One bit of each of 32 bytes from `position` on as one word, the first byte lowest; `mask` has that bit set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = builder.load(address(context, builder, array, arguments, _BYTES), align=1)
        chosen = builder.and_(data, spread(builder, builder.trunc(arguments[2], _BYTE), _BYTES))
        flags = builder.icmp_unsigned("!=", chosen, ir.Constant(_BYTES, None))
        return builder.bitcast(flags, _WORD)

    return types.uint32(array, types.int64, types.int64), generate
