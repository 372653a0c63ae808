"""Counting by logic: bits of the same place in many words are added, 32 columns in a word, for use in compiled loops.

A full adder takes three bits of one weight and gives their sum: its parity keeps the weight, its majority has twice
as much. With one vector for each bit of a number (a *counter*) a row of cells is added in about two of them.
"""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from cimc.machine.fast.byte_products import has_features
from cimc.machine.fast.lanes import LANES, NARROW, Lanes, Words, address, call, load_like, store, width

ENTRY = NARROW
"""What the numbers of rows are multiplied by in lists of rows: where they are in blocks of narrow vectors."""
_WORD = ir.IntType(32)


HAS_TERNARY = has_features("avx512f", "avx512vl")
"""Whether any function of three bits is one instruction."""
WIDEST = LANES if HAS_TERNARY else NARROW
"""The words of the widest vector that pays: that of a register."""


@intrinsic
def portable_parity(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Which bits are set in an odd number of three vectors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, c = arguments
        return builder.xor(builder.xor(a, b), c)

    return a(a, a, a), generate


@intrinsic
def portable_majority(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Which bits are set in at least two of three vectors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, c = arguments
        return builder.or_(builder.and_(a, b), builder.and_(builder.xor(a, b), c))

    return a(a, a, a), generate


def _ternary(builder: Any, vectors: Any, arguments: Any, table: int) -> Any:
    name = f"llvm.x86.avx512.pternlog.d.{32 * vectors.width}"
    return call(builder, name, vectors.vector, *arguments, ir.Constant(_WORD, table))


@intrinsic
def ternary_parity(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """`portable_parity` in one instruction of AVX-512."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _ternary(builder, a, arguments, 0x96)

    return a(a, a, a), generate


@intrinsic
def ternary_majority(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """`portable_majority` in one instruction of AVX-512."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _ternary(builder, a, arguments, 0xE8)

    return a(a, a, a), generate


parity, majority = (ternary_parity, ternary_majority) if HAS_TERNARY else (portable_parity, portable_majority)


@intrinsic
def load_row(typing_context: Any, like: Any, cells: Any, block: Any, rows: Any, i: Any) -> Any:
    """The row of the block at `block` that entry i of the list `rows` names."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, cells_value, block_value, rows_value, i_value = arguments
        entry = builder.load(address(context, builder, rows, (rows_value, i_value), _WORD), align=4)
        place = builder.mul(builder.zext(entry, ir.IntType(64)), ir.Constant(ir.IntType(64), like.width // ENTRY))
        place = (cells_value, builder.add(block_value, place))
        return builder.load(address(context, builder, cells, place, like.vector), align=4)

    return like(like, cells, types.int64, rows, types.int64), generate


@njit(forceinline=True)
def ripple(counter: Words, first: int, last: int, carry: Lanes) -> None:
    """Adds bits to the counter at level `first`, with carries up to level last - 1."""
    for level in range(first * width(carry), last * width(carry), width(carry)):
        bits = load_like(carry, counter, level)
        store(counter, level, bits ^ carry)
        carry &= bits


@njit(forceinline=True)
def add_rows(
    like: Lanes, cells: Words, block: int, rows: Words, first: int, last: int, counter: Words, level: int, top: int
) -> None:
    """Adds rows of a block, those of entries first to last - 1 of a list, to a counter, from `level` of it on.

    The number of entries is a multiple of 8. The counter has `top` levels that are used, and room for level + 5.
    """
    step = width(like)
    place = level * step
    a, b, c = (
        load_like(like, counter, place),
        load_like(like, counter, place + step),
        load_like(like, counter, place + 2 * step),
    )
    d, e = load_like(like, counter, place + 3 * step), load_like(like, counter, place + 4 * step)
    i = first
    while i + 32 <= last:
        a, b, c, d, low = _add_sixteen(a, b, c, d, cells, block, rows, i)
        a, b, c, d, high = _add_sixteen(a, b, c, d, cells, block, rows, i + 16)
        ripple(counter, level + 5, top, majority(e, low, high))
        e = parity(e, low, high)
        i += 32
    while i < last:
        a, b, c, carry = _add_eight(a, b, c, cells, block, rows, i)
        d, carry = d ^ carry, d & carry
        ripple(counter, level + 5, top, e & carry)
        e ^= carry
        i += 8
    store(counter, place, a)
    store(counter, place + step, b)
    store(counter, place + 2 * step, c)
    store(counter, place + 3 * step, d)
    store(counter, place + 4 * step, e)


@njit(forceinline=True)
def _add_four(a: Lanes, b: Lanes, cells: Words, block: int, rows: Words, i: int) -> tuple[Lanes, Lanes, Lanes]:
    """Adds four rows to bits 0 and 1 of a counter; gives these, and what is carried to bit 2."""
    x, y = load_row(a, cells, block, rows, i), load_row(a, cells, block, rows, i + 1)
    low, a = majority(a, x, y), parity(a, x, y)
    x, y = load_row(a, cells, block, rows, i + 2), load_row(a, cells, block, rows, i + 3)
    high, a = majority(a, x, y), parity(a, x, y)
    return a, parity(b, low, high), majority(b, low, high)


@njit(forceinline=True)
def _add_eight(
    a: Lanes, b: Lanes, c: Lanes, cells: Words, block: int, rows: Words, i: int
) -> tuple[Lanes, Lanes, Lanes, Lanes]:
    a, b, low = _add_four(a, b, cells, block, rows, i)
    a, b, high = _add_four(a, b, cells, block, rows, i + 4)
    return a, b, parity(c, low, high), majority(c, low, high)


@njit(forceinline=True)
def _add_sixteen(
    a: Lanes, b: Lanes, c: Lanes, d: Lanes, cells: Words, block: int, rows: Words, i: int
) -> tuple[Lanes, Lanes, Lanes, Lanes, Lanes]:
    a, b, c, low = _add_eight(a, b, c, cells, block, rows, i)
    a, b, c, high = _add_eight(a, b, c, cells, block, rows, i + 8)
    return a, b, c, parity(d, low, high), majority(d, low, high)
