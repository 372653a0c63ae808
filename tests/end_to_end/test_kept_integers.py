"""Integers that a file brings are programmed as they are, less a number a column, in no more bits than the file has.

Networks of each operator and form with integers of few bits: compiled, checked bit for bit, and compared with the
original. What lies in the arrays is compared with the numbers of the file.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.compiler import Compilation
from cimc.machine.machine import Machine
from cimc.original import run_original
from cimc.program.program import Program

Array = NDArray[Any]
Files = Callable[..., Path]
Check = Callable[..., Compilation]
ROWS, COLUMNS = 21, 6
MICROSOFT = ', "com.microsoft" : 1'


@dataclass
class Case:
    """Nodes that make `y` of `x`, and the integers [ROWS, COLUMNS] of the weight, of so many bits.

    `moved` are these less their zero points.
    """

    nodes: str
    constants: dict[str, Array]
    integers: Array
    moved: Array
    bits: int
    opset: int = 21


def packed(array: Array, bits: int) -> Array:
    """Numbers of the last axis, one after the other, lowest bits first."""
    digits = np.unpackbits(array[..., None], axis=-1, bitorder="little")[..., :bits]
    return np.packbits(digits.reshape(*array.shape[:-1], -1), axis=-1, bitorder="little")


@dataclass
class Numbers:
    """Made-up numbers."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def integers(self, type_: str, shape: tuple[int, ...], span: int | None = None) -> Array:
        """All that a type has, or so many beside one another that lie anywhere."""
        dtype = np.dtype(getattr(ml_dtypes, type_, None) or type_)
        low, high = int(ml_dtypes.iinfo(dtype).min), int(ml_dtypes.iinfo(dtype).max)
        low = low if span is None else 17
        values = self.rng.integers(low, high + 1 if span is None else low + span + 1, shape)
        return np.asarray(values).astype(dtype)

    def scales(self, *shape: int) -> Array:
        return np.asarray(self.rng.uniform(0.1, 1, shape), np.float32)


def of_n_bits(bits: int, zero: str, order: bool) -> Case:
    """`MatMulNBits` with blocks of 16 rows, the second of which is not full."""
    made, block, blocks = Numbers(), 16, 2
    q = made.rng.integers(0, 1 << bits, (COLUMNS, blocks, block)).astype(np.uint8)
    constants = {"w": packed(q, bits), "s": made.scales(COLUMNS, blocks)}
    zeros = np.full((COLUMNS, blocks), 1 << (bits - 1))
    if zero == "packed":
        zeros = made.rng.integers(0, 1 << bits, zeros.shape)
        constants["z"] = packed(zeros.astype(np.uint8), bits)
    elif zero == "floats":
        constants["z"] = made.rng.uniform(0, 1 << bits, zeros.shape).astype(np.float32)
        zeros = np.rint(constants["z"])
    block_of = np.arange(ROWS) // block
    if order:
        block_of = made.rng.permutation(block_of)
        constants["g"] = block_of.astype(np.int32)
    inputs = ", ".join(name if name in constants else "" for name in "wszg").rstrip(" ,")
    node = f"y = com.microsoft.MatMulNBits<K={ROWS}, N={COLUMNS}, bits={bits}, block_size={block}>(x, {inputs})"
    rows = q.reshape(COLUMNS, -1)[:, :ROWS].T.astype(int)
    return Case(node, constants, rows, rows - zeros.T[block_of], bits)


def dequantised(type_: str, kind: str, zero: bool, turned: bool) -> Case:
    """`DequantizeLinear` of a weight, which may be stored transposed; `kind` is what has a scale."""
    made = Numbers()
    q = made.integers(type_, (COLUMNS, ROWS) if turned else (ROWS, COLUMNS))
    settings, shape = "", tuple[int, ...]()
    axis = int(kind.endswith(("column", "columns")) != turned)
    if kind in ("row", "column"):
        shape, settings = (q.shape[axis],), f"<axis = {axis}>"
    elif kind in ("some rows", "some columns"):
        shape, settings = tuple(-(-n // 4) if i == axis else n for i, n in enumerate(q.shape)), "block_size = 4"
        settings = f"<axis = {axis}, {settings}>"
    constants = {"w": q, "s": made.scales(*shape)}
    moved = q.astype(int)
    if zero:
        constants["z"] = made.integers(type_, shape)
        zeros = constants["z"].astype(int)
        if kind in ("row", "column"):
            zeros = zeros.reshape([-1 if i == axis else 1 for i in range(2)])
        elif settings:
            zeros = np.repeat(zeros, 4, axis=axis)[: q.shape[0], : q.shape[1]]
        moved = moved - zeros
    text = f"d = DequantizeLinear{settings}({', '.join(constants)}) "
    text += "t = Transpose(d) y = MatMul(x, t)" if turned else "y = MatMul(x, d)"
    own, moved = (array.T if turned else array for array in (q.astype(int), moved))
    return Case(text, constants, own, moved, int(type_.lstrip("uint")), 25 if "2" in type_ else 21)


def chain(type_: str, span: int | None, zero: tuple[int, ...] | None, scale: tuple[int, ...]) -> Case:
    """Wider integers of few bits, cast, moved and scaled."""
    made = Numbers()
    q = made.integers(type_, (ROWS, COLUMNS), span)
    constants, text, moved = {"w": q, "s": made.scales(*scale)}, "c = Cast<to = 1>(w) ", q.astype(int)
    if zero is not None:
        constants["z"] = np.asarray(made.rng.integers(moved.min(), moved.max() + 1, zero), np.float32)
        text, moved = f"{text} m = Sub(c, z) ", moved - constants["z"].astype(int)
    text += f"d = Mul({'c' if zero is None else 'm'}, s) y = MatMul(x, d)"
    bits = int(np.ptp(q.astype(int))).bit_length()
    return Case(text, constants, q.astype(int), moved, bits)


def multiplied(type_: str, zero: tuple[int, ...] | None, operator: str) -> Case:
    """Products of integers by bytes that span 11."""
    made = Numbers()
    q = made.integers(type_, (ROWS, COLUMNS), 11)
    constants, moved = {"w": q, "s": made.scales()}, q.astype(int)
    if zero is not None:
        constants["z"] = np.asarray(made.rng.integers(moved.min(), moved.max() + 1, zero)).astype(type_)
        moved = moved - constants["z"].astype(int)
    z = "" if zero is None else ", z"
    nodes = {
        "MatMulInteger": f"q, a, n = DynamicQuantizeLinear(x) i = MatMulInteger(q, w, n{z}) y = Cast<to = 1>(i)",
        "MatMulIntegerToFloat": f"q, a, n = DynamicQuantizeLinear(x) "
        f"y = com.microsoft.MatMulIntegerToFloat(q, w, a, s, n{z})",
        "DynamicQuantizeMatMul": f"y = com.microsoft.DynamicQuantizeMatMul(x, w, s{z})",
    }
    return Case(nodes[operator], constants, q.astype(int), moved, 4)


def cases() -> Iterator[tuple[str, Case]]:
    """Each form, with and without zero points."""
    for bits in (2, 4, 8):
        for zero in ("none", "packed", "floats") if bits < 8 else ("none", "packed"):
            yield f"MatMulNBits of {bits} bits, zero points: {zero}", of_n_bits(bits, zero, order=False)
    yield "MatMulNBits, rows apart", of_n_bits(4, "none", order=True)
    yield "MatMulNBits, rows apart, zero points", of_n_bits(4, "floats", order=True)
    for number, type_ in enumerate(("int4", "uint4", "int2", "uint2", "uint8")):
        for place, kind in enumerate(("all", "column", "row", "some rows", "some columns")):
            zero, turned = bool((number + place) % 3), bool((number + place) % 2)
            yield f"{type_}, a scale for {kind}", dequantised(type_, kind, zero, turned)
    yield "bytes of 3 bits", chain("int8", 7, None, (COLUMNS,))
    yield "bytes of 4 bits and a zero point", chain("uint8", 15, (), (ROWS, 1))
    yield "wide integers of 4 bits and zero points", chain("int32", 15, (COLUMNS,), ())
    yield "wide integers of 5 bits", chain("int16", 31, None, (1, COLUMNS))
    yield "int4, cast", chain("int4", None, (COLUMNS,), (ROWS, 1))
    for number, operator in enumerate(("MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul")):
        for place, zero in enumerate((None, (), (COLUMNS,))):
            yield f"{operator}, zero points {zero}", multiplied(("int8", "uint8")[(number + place) % 2], zero, operator)


CASES = dict(cases())


def stored_columns(program: Program) -> list[list[int]]:
    """What is programmed in each column of each tile."""
    columns: list[list[int]] = []
    for _, array, row, column, rows, width, _, _ in program.tiles.tolist():
        columns += program.arrays[array, row : row + rows, column : column + width].T.tolist()
    return columns


def is_moved_by_one_number(stored: Counter[int], integers: Array) -> bool:
    """Whether all integers are there, moved alike; zeros may be missing, for structures have none."""
    expected = Counter(integers.reshape(-1).tolist())
    for by in range(-128, 256):
        there = {number - by: count for number, count in expected.items() if number != by}
        if all(stored[number] >= count for number, count in there.items()):
            return True
    return False


@pytest.mark.parametrize("name", CASES)
def test_integers(name: str, onnx_file: Files, compiled: Check) -> None:
    case = CASES[name]
    file = onnx_file(
        f"g (float[n,t,{ROWS}] x) => (float y) {{ {case.nodes} }}",
        case.constants,
        opset=case.opset,
        ir=11,
        domains=MICROSOFT,
    )
    x = np.random.default_rng(1).standard_normal((2, 3, ROWS)).astype(np.float32)
    program = compiled(file, {"x": x}).program
    assert len(program.multiplications) == 1
    columns = stored_columns(program)
    assert max(max(column) - min(column) for column in columns) < 1 << case.bits
    stored = Counter(number for column in columns for number in column)
    assert any(is_moved_by_one_number(stored, integers) for integers in (case.moved, case.integers))
    y, original = Machine(program).run({"x": x})["y"], run_original(file, {"x": x})[0]["y"]
    np.testing.assert_allclose(y, original, rtol=0, atol=0.03 * np.abs(original).max())
