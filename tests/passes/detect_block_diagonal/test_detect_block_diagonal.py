"""Detection in whole networks: neighbours that are no permutations keep their meaning; kinds, notes and pruning."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.report.layer import Layer
from cimc.report.report import report_of
from dialects.element_types import Array

Write = Callable[..., Path]
Check = Callable[..., Compilation]

GENERATOR = np.random.default_rng(0)


def floats(*shape: int) -> Array:
    return (GENERATOR.choice([-1, 1], shape) * GENERATOR.uniform(0.5, 1, shape)).astype(np.float32)


def diagonal(*blocks: Array) -> Array:
    """These blocks down the diagonal of a matrix."""
    rows, columns = (sum(block.shape[side] for block in blocks) for side in (0, 1))
    matrix, row, column = np.zeros((rows, columns), np.float32), 0, 0
    for block in blocks:
        matrix[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return matrix


PLAIN = diagonal(floats(4, 4), floats(4, 4))
INTS = "Constant<value_ints="

NEIGHBOURS = {
    "some of the results": f"""g (float[4,8] x) => (float[2,8] y) {{ h = MatMul(x, w)
        s = {INTS}[0]>()  e = {INTS}[2]>()  r = Slice(h, s, e, s)  y = Relu(r) }}""",
    "some of the vectors": f"""g (float[4,8] x) => (float[2,8] y) {{
        s = {INTS}[0]>()  e = {INTS}[2]>()  r = Slice(x, s, e, s)  y = MatMul(r, w) }}""",
    "ones beside a single vector": """g (float[1,7] x) => (float[1,8] y) {
        o = Constant<value=float[1,1] {1}>()  c = Concat<axis=-1>(x, o)  y = MatMul(c, w) }""",
    "halves beside a single vector": """g (float[1,7] x) => (float[1,8] y) {
        o = Constant<value=float[1,1] {0.5}>()  c = Concat<axis=-1>(x, o)  y = MatMul(c, w) }""",
    "vectors side by side": f"""g (float[4,8] x) => (float[2,16] y) {{
        h = MatMul(x, w)  s = {INTS}[2, 16]>()  y = Reshape(h, s) }}""",
    "a result that is an output too": f"""g (float[n,8] x) => (float[n,8] h, float[n,4,2] y) {{
        h = MatMul(x, w)  s = {INTS}[0, 4, 2]>()  y = Reshape(h, s) }}""",
    "no vectors": "g (float[0,8] x) => (float[0,8] y) { y = MatMul(x, w) }",
    "a size that is read at run time": """g (float[n,8] x) => (float[n,8] y) {
        s = Shape(x)  t = Reshape(x, s)  h = MatMul(t, w)  z = Shape(h)  y = Reshape(h, z) }""",
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_neighbours(name: str, onnx_file: Write, compiled: Check) -> None:
    report = report_of(compiled(onnx_file(NEIGHBOURS[name], {"w": PLAIN}), verify_each=True).program)
    assert [(layer.kind, layer.stored_weights) for layer in report.layers] == [("block_diagonal", 32)]
    assert report.permutations_executed == 0


def layers(onnx_file: Write, compiled: Check, w: Array, **options: Any) -> tuple[Layer, ...]:
    text = f"g (float[n,{w.shape[0]}] x) => (float[n,{w.shape[1]}] y) {{ y = MatMul(x, w) }}"
    return report_of(compiled(onnx_file(text, {"w": w}), verify_each=True, **options).program).layers


ALMOST = PLAIN + np.float32(1e-3)


def test_almost_structured_weights_stay_dense(onnx_file: Write, compiled: Check) -> None:
    (layer,) = layers(onnx_file, compiled, ALMOST, mapping="linear")
    assert (layer.kind, layer.stored_weights) == ("dense", 64)
    assert layer.notes["almost"] == "99.99 % of the mass lies in 2 blocks"


def test_unless_pruning_allows_it(onnx_file: Write, compiled: Check) -> None:
    (layer,) = layers(onnx_file, compiled, ALMOST, prune_below=0.01)
    assert (layer.kind, layer.stored_weights) == ("block_diagonal", 32)


def test_pruning_everything_leaves_the_weight_as_it_is(onnx_file: Write, compiled: Check) -> None:
    (layer,) = layers(onnx_file, compiled, floats(8, 8), prune_below=2.0)
    assert (layer.kind, layer.stored_weights) == ("dense", 64)


def test_sparse_weights(onnx_file: Write, compiled: Check) -> None:
    """Few tiles hold all nonzeros: columns that need the same rows are stored together."""
    w = np.zeros((32, 32), np.float32)
    for group in range(8):
        rows = np.array([0, group + 1, group + 9, group + 17])
        w[np.ix_(rows, np.arange(group, 32, 8))] = floats(4, 4)
    (layer,) = layers(onnx_file, compiled, w)
    assert (layer.kind, layer.stored_weights, layer.tiles) == ("sparse", 8 * 16, 8)


def test_a_weight_of_zeros(onnx_file: Write, compiled: Check) -> None:
    (layer,) = layers(onnx_file, compiled, np.zeros((8, 8), np.float32))
    assert (layer.kind, layer.stored_weights) == ("dense", 16), "its four tiles share a place"


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_inputs_of_unknown_rank(rank: int, onnx_file: Write, compiled: Check) -> None:
    """Their weights are left dense, for which no rank is needed."""
    w = np.pad(PLAIN, ((0, 1), (0, 3)))
    file = onnx_file("g (float[] x) => (float[] y) { y = MatMul(x, w) }", {"w": w})
    report = report_of(compiled(file, {"x": floats(*(2, 3, 9)[-rank:])}).program)
    assert report.stored_weights <= w.size


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats(dtype: type[np.floating[Any]], onnx_file: Write, compiled: Check) -> None:
    name = "float16" if dtype is np.float16 else "double"
    order = GENERATOR.permutation(8)
    file = onnx_file(f"g ({name}[n,8] x) => ({name}[n,8] y) {{ y = MatMul(x, w) }}", {"w": PLAIN[order].astype(dtype)})
    report = report_of(compiled(file).program)
    assert [(layer.kind, layer.stored_weights) for layer in report.layers] == [("block_diagonal", 32)]
