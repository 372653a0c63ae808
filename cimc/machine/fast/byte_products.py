"""Sums of products of bytes and of 16-bit numbers: each way that a kind of processor has, with the same results.

None saturates: AVX2's products of bytes do, so there bytes are widened first.
"""

from typing import Any

from llvmlite import binding, ir
from numba.core import config
from numba.extending import intrinsic

from cimc.machine.fast.lanes import LANES, call, lanes

_WORD = ir.IntType(32)
_VECTOR = lanes.vector
_EVEN = 0x00FF00FF
"""Bytes 0 and 2 of a word."""


def _same(number: int) -> Any:
    return ir.Constant(_VECTOR, [number] * LANES)


def has_features(*names: str) -> bool:
    """Whether numba compiles for a processor that has them: this one, unless it has been told otherwise."""
    if config.CPU_NAME or config.CPU_FEATURES:
        return False
    features = binding.get_host_cpu_features()
    return all(features.get(name) for name in names)


HAS_VNNI = has_features("avx512vnni", "avx512bw")
HAS_PAIRS = has_features("avx2")


@intrinsic
def portable_pairs(typing_context: Any, sums: Any, left: Any, right: Any) -> Any:
    """Adds to each lane the products of its two signed 16-bit numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, left, right = arguments
        half = _same(16)
        high = builder.mul(builder.ashr(left, half), builder.ashr(right, half))
        left, right = (builder.ashr(builder.shl(side, half), half) for side in (left, right))
        return builder.add(builder.add(sums, high), builder.mul(left, right))

    return lanes(lanes, lanes, lanes), generate


def _multiply_pairs(builder: Any, left: Any, right: Any) -> Any:
    """AVX2's sums of two products, for each half of the lanes."""
    shorts, words = ir.VectorType(ir.IntType(16), LANES), ir.VectorType(_WORD, LANES // 2)
    halves: list[Any] = []
    for first in (0, LANES // 2):
        chosen = ir.Constant(words, list(range(first, first + LANES // 2)))
        sides = (builder.shuffle_vector(side, ir.Constant(_VECTOR, ir.Undefined), chosen) for side in (left, right))
        halves.append(call(builder, "llvm.x86.avx2.pmadd.wd", words, *(builder.bitcast(s, shorts) for s in sides)))
    return builder.shuffle_vector(*halves, ir.Constant(_VECTOR, list(range(LANES))))


@intrinsic
def avx2_pairs(typing_context: Any, sums: Any, left: Any, right: Any) -> Any:
    """`portable_pairs` with AVX2."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, left, right = arguments
        return builder.add(sums, _multiply_pairs(builder, left, right))

    return lanes(lanes, lanes, lanes), generate


@intrinsic
def portable_dot(typing_context: Any, sums: Any, left: Any, right: Any) -> Any:
    """Adds to each lane the products of its four bytes: unsigned ones of `left` with signed ones of `right`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, left, right = arguments
        low, top = _same(255), _same(24)
        for place in range(0, 32, 8):
            up, down = _same(24 - place), _same(place)
            unsigned = builder.and_(builder.lshr(left, down), low)
            signed = builder.ashr(builder.shl(right, up), top)
            sums = builder.add(sums, builder.mul(unsigned, signed))
        return sums

    return lanes(lanes, lanes, lanes), generate


@intrinsic
def avx2_dot(typing_context: Any, sums: Any, left: Any, right: Any) -> Any:
    """`portable_dot` with AVX2: bytes 0 and 2 are one pair, bytes 1 and 3 the other."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, left, right = arguments
        odd = builder.and_(builder.lshr(left, _same(8)), _same(_EVEN))
        weights = _signed_bytes(builder, right)
        sums = builder.add(sums, _multiply_pairs(builder, builder.and_(left, _same(_EVEN)), weights[0]))
        return builder.add(sums, _multiply_pairs(builder, odd, weights[1]))

    return lanes(lanes, lanes, lanes), generate


def _signed_bytes(builder: Any, value: Any) -> tuple[Any, Any]:
    """Bytes 0 and 2, and bytes 1 and 3, as pairs of signed 16-bit numbers."""
    shorts = ir.VectorType(ir.IntType(16), 2 * LANES)
    eight, value = ir.Constant(shorts, [8] * (2 * LANES)), builder.bitcast(value, shorts)
    even = builder.ashr(builder.shl(value, eight), eight)
    return builder.bitcast(even, _VECTOR), builder.bitcast(builder.ashr(value, eight), _VECTOR)


@intrinsic
def even_bytes(typing_context: Any, value: Any) -> Any:
    """Bytes 0 and 2 of each lane as two signed 16-bit numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _signed_bytes(builder, *arguments)[0]

    return lanes(lanes), generate


@intrinsic
def odd_bytes(typing_context: Any, value: Any) -> Any:
    """Bytes 1 and 3 of each lane as two signed 16-bit numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _signed_bytes(builder, *arguments)[1]

    return lanes(lanes), generate


@intrinsic
def vnni_dot(typing_context: Any, sums: Any, left: Any, right: Any) -> Any:
    """`portable_dot` in one instruction of processors with AVX-512 VNNI, which wraps around and never saturates."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return call(builder, "llvm.x86.avx512.vpdpbusd.512", _VECTOR, *arguments)

    return lanes(lanes, lanes, lanes), generate


dot = vnni_dot if HAS_VNNI else avx2_dot if HAS_PAIRS else portable_dot
pairs = avx2_pairs if HAS_PAIRS else portable_pairs
