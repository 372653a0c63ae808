"""Sums of products of bytes: each way that some kind of processor has of it, with the same results."""

from typing import Any

from llvmlite import binding, ir
from numba.core import config
from numba.extending import intrinsic

from cimc.machine.fast.lanes import LANES, call, lanes

_WORD = ir.IntType(32)
_VECTOR = lanes.vector


@intrinsic
def portable_dot(typing_context: Any, sums: Any, left: Any, right: Any) -> Any:
    """Adds to each lane the products of its four bytes: unsigned ones of `left` with signed ones of `right`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, left, right = arguments
        low, top = (ir.Constant(_VECTOR, [number] * LANES) for number in (255, 24))
        for place in range(0, 32, 8):
            up, down = (ir.Constant(_VECTOR, [number] * LANES) for number in (24 - place, place))
            unsigned = builder.and_(builder.lshr(left, down), low)
            signed = builder.ashr(builder.shl(right, up), top)
            sums = builder.add(sums, builder.mul(unsigned, signed))
        return sums

    return lanes(lanes, lanes, lanes), generate


@intrinsic
def vnni_dot(typing_context: Any, sums: Any, left: Any, right: Any) -> Any:
    """`portable_dot` in one instruction of processors with AVX-512 VNNI, which wraps around and never saturates."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return call(builder, "llvm.x86.avx512.vpdpbusd.512", _VECTOR, *arguments)

    return lanes(lanes, lanes, lanes), generate


def has_vnni() -> bool:
    """Whether numba compiles for a processor with that instruction: this one, unless it has been told otherwise."""
    if config.CPU_NAME or config.CPU_FEATURES:
        return False
    features = binding.get_host_cpu_features()
    return bool(features.get("avx512vnni") and features.get("avx512bw"))


dot = vnni_dot if has_vnni() else portable_dot
