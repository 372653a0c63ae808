"""Structure hidden in random networks is found, none is found where none is, and the bits are the reference's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cimc.compiler import Compilation
from cimc.report.report import Report, report_of
from dialects.element_types import Array

Write = Callable[..., Path]
Check = Callable[..., Compilation]
Shapes = list[tuple[int, int]]

few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32 - 1)
shapes = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=2, max_size=5)
sides = st.integers(1, 4)


def floats(rng: np.random.Generator, *shape: int) -> Array:
    """Numbers of which none is 0."""
    return (rng.choice([-1, 1], shape) * rng.uniform(0.1, 1, shape)).astype(np.float32)


def stored_in(blocks: Shapes) -> int:
    return sum(rows * columns for rows, columns in blocks)


def hidden(rng: np.random.Generator, blocks: Shapes, empty: tuple[int, int] = (0, 0)) -> Array:
    """A matrix with these blocks, so many empty rows and columns, and both sides permuted."""
    rows, columns = (sum(block[side] for block in blocks) + empty[side] for side in (0, 1))
    matrix, row, column = np.zeros((rows, columns), np.float32), 0, 0
    for height, width in blocks:
        matrix[row : row + height, column : column + width] = floats(rng, height, width)
        row, column = row + height, column + width
    return matrix[rng.permutation(rows)][:, rng.permutation(columns)]


def report(compiled: Check, file: Path) -> Report:
    """The report of a checked compilation, every pass of which has been validated."""
    return report_of(compiled(file, verify_each=True).program)


@few
@given(shapes, st.tuples(st.integers(0, 2), st.integers(0, 2)), st.sampled_from(["n", "n,s", "2,n", "3", ""]), seeds)
def test_blocks_of_any_size(
    onnx_file: Write, compiled: Check, blocks: Shapes, empty: tuple[int, int], leading: str, seed: int
) -> None:
    """Sizes that do not divide, one-row blocks, empty rows and columns, any leading dimensions."""
    matrix = hidden(np.random.default_rng(seed), blocks, empty)
    dims = [",".join(filter(None, (leading, str(size)))) for size in matrix.shape]
    file = onnx_file(f"g (float[{dims[0]}] x) => (float[{dims[1]}] y) {{ y = MatMul(x, w) }}", {"w": matrix})
    found = report(compiled, file)
    assert found.stored_weights == min(stored_in(blocks), matrix.size)
    assert {layer.kind for layer in found.layers} == {"block_diagonal"}
    assert found.permutations_executed <= 2


@few
@given(st.integers(2, 5), sides, sides, seeds, st.booleans())
def test_equal_blocks_of_several_nodes(
    onnx_file: Write, compiled: Check, count: int, rows: int, columns: int, seed: int, again: bool
) -> None:
    """Q, K and V with their inputs in one order, which is made once; a weight of two nodes is stored once."""
    rng = np.random.default_rng(seed)
    blocks = [(rows, columns)] * count
    order = rng.permutation(rows * count)
    weights = {name: np.zeros((rows * count, columns * count), np.float32) for name in "abc"}
    for weight in weights.values():
        for b in range(count):
            block = floats(rng, rows, columns)
            weight[order[b * rows : (b + 1) * rows], b * columns : (b + 1) * columns] = block
    third = "a" if again else "c"
    text = f"""g (float[n,{rows * count}] x) => (float[n,m] q, float[n,m] k, float[n,m] v) {{
        q = MatMul(x, a)  h = Relu(x)  k = MatMul(x, b)  v = MatMul(h, {third}) }}"""
    found = report(compiled, onnx_file(text, weights))
    assert found.stored_weights == stored_in(blocks) * (2 if again else 3)
    assert found.permutations_executed <= 2


@few
@given(shapes, seeds, st.sampled_from(["int8", "uint8", "MatMulInteger"]), st.booleans())
def test_integers(onnx_file: Write, compiled: Check, blocks: Shapes, seed: int, form: str, per_column: bool) -> None:
    """Zeros are those of the zero point."""
    rng = np.random.default_rng(seed)
    matrix = hidden(rng, blocks)
    rows, columns = matrix.shape
    signed = form != "uint8"
    zero = rng.integers(-8, 9, columns if per_column else ()) + (0 if signed else 128)
    dtype = np.int8 if signed else np.uint8
    constants: dict[str, Array] = {"w": (np.round(matrix * 100) + zero).astype(dtype), "z": np.asarray(zero, dtype)}
    if form == "MatMulInteger":
        text = f"g (uint8[n,{rows}] x) => (int32[n,{columns}] y) {{ y = MatMulInteger(x, w, zx, z) }}"
        constants["zx"] = np.array(7, np.uint8)
    else:
        constants["s"] = np.abs(floats(rng, columns)) if per_column else np.array(0.5, np.float32)
        text = f"""g (float[n,{rows}] x) => (float[n,{columns}] y) {{
            d = DequantizeLinear<axis=1>(w, s, z)  y = MatMul(x, d) }}"""
    assert report(compiled, onnx_file(text, constants)).stored_weights == stored_in(blocks)


EINSUMS = [
    ("bkp,kpq->bkq", "b,k,p", "kpq"),
    ("...kp, kpq -> ...kq", "b,t,k,p", "kpq"),
    ("kqp,bkp->bkq", "b,k,p", "kqp"),
    ("btkp,kqp->bktq", "b,t,k,p", "kqp"),
    ("kbp,kpq->bkq", "k,b,p", "kpq"),
    ("bpk,pqk->bqk", "b,p,k", "pqk"),
    ("bkp,kpq->kqb", "b,k,p", "kpq"),
]
"""Equation, axes of x, axes of the blocks."""


@few
@given(st.sampled_from(EINSUMS), st.integers(2, 4), sides, st.integers(2, 4), seeds)
def test_einsums(
    onnx_file: Write, compiled: Check, einsum: tuple[str, str, str], k: int, p: int, q: int, seed: int
) -> None:
    equation, axes, stored = einsum
    sizes = {"k": k, "p": p, "q": q}
    blocks = floats(np.random.default_rng(seed), *(sizes[axis] for axis in stored))
    dims = ",".join(str(sizes.get(axis, axis)) for axis in axes.split(","))
    names = "w, x" if equation.startswith(stored) else "x, w"
    file = onnx_file(
        f'g (float[{dims}] x) => (float[] y) {{ y = Einsum<equation="{equation}">({names}) }}', {"w": blocks}
    )
    found = report(compiled, file)
    assert [(layer.kind, layer.stored_weights) for layer in found.layers] == [("block_diagonal", k * p * q)]


@few
@given(st.integers(2, 4), st.integers(2, 4), sides, st.integers(2, 4), st.integers(1, 5), seeds, st.booleans())
def test_monarch_layers(
    onnx_file: Write, compiled: Check, ins: int, outs: int, rows: int, depth: int, columns: int, seed: int, dense: bool
) -> None:
    """Two factors as exporters write them, or multiplied into one matrix: one permutation is executed."""
    rng = np.random.default_rng(seed)
    inner = depth * outs
    w1, w2 = floats(rng, ins, rows, inner), floats(rng, outs, depth * ins, columns)
    text = f"""g (float[n,{ins * rows}] x) => (float[n,{outs * columns}] y) {{
        s1 = Constant<value_ints=[0, {ins}, {rows}]>()  a = Reshape(x, s1)  b = Transpose<perm=[1, 0, 2]>(a)
        c = MatMul(b, w1)  d = Transpose<perm=[1, 0, 2]>(c)
        s2 = Constant<value_ints=[0, {depth * ins}, {outs}]>()  e = Reshape(d, s2)
        f = Transpose<perm=[2, 0, 1]>(e)  h = MatMul(f, w2)  i = Transpose<perm=[1, 2, 0]>(h)
        s3 = Constant<value_ints=[0, {outs * columns}]>()  y = Reshape(i, s3) }}"""
    constants = {"w1": w1, "w2": w2}
    if dense:
        first = np.einsum("nkp,kpq->nkq", np.eye(ins * rows).reshape(-1, ins, rows), w1)
        second = np.einsum("nrl,lrs->nsl", first.reshape(-1, depth * ins, outs), w2)
        matrix = second.reshape(ins * rows, outs * columns).astype(np.float32)
        constants = {"w": matrix}
        text = f"g (float[n,{ins * rows}] x) => (float[n,{outs * columns}] y) {{ y = MatMul(x, w) }}"
    found = report(compiled, onnx_file(text, constants))
    if not dense:
        assert {layer.kind for layer in found.layers} == {"monarch"}
        assert found.stored_weights == w1.size + w2.size
    else:
        assert found.stored_weights <= min(w1.size + w2.size, ins * rows * outs * columns)
    assert found.permutations_executed == len(found.layers) - 1


@few
@given(st.integers(2, 20), st.integers(2, 20), seeds, st.booleans())
def test_nothing_is_found_in_a_dense_weight(
    onnx_file: Write, compiled: Check, rows: int, columns: int, seed: int, integers: bool
) -> None:
    matrix = floats(np.random.default_rng(seed), rows, columns)
    x = "float"
    if integers:
        x, matrix = "uint8", (matrix * 100).astype(np.int8)
    kind = "MatMulInteger" if integers else "MatMul"
    out = "int32" if integers else "float"
    file = onnx_file(f"g ({x}[n,{rows}] x) => ({out}[n,{columns}] y) {{ y = {kind}(x, w) }}", {"w": matrix})
    found = report(compiled, file)
    assert [(layer.kind, layer.stored_weights) for layer in found.layers] == [("dense", matrix.size)]
    assert found.permutations_executed == 0
