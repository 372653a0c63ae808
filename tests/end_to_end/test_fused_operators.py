"""Operators of opsets 23 and 24 that exporters write around products: the bits are those of the reference network."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.compiler import Compilation
from cimc.options.conditions import Conditions
from cimc.report.report import report_of

Write = Callable[..., Path]
Check = Callable[..., Compilation]
Array = NDArray[Any]

WIDTH, HEADS, KEY_HEADS, HEAD = 16, 4, 2, 4
BATCH, NEW, PAST = 2, 3, 5
GENERATOR = np.random.default_rng(0)


def floats(*shape: int) -> Array:
    return GENERATOR.standard_normal(shape).astype(np.float32)


CONSTANTS = {
    "wq": floats(WIDTH, HEADS * HEAD),
    "wk": floats(WIDTH, KEY_HEADS * HEAD),
    "wv": floats(WIDTH, KEY_HEADS * HEAD),
    "wo": floats(HEADS * HEAD, WIDTH),
    "norm": floats(WIDTH),
    "cosines": np.cos(np.arange(64 * HEAD // 2, dtype=np.float32)).reshape(64, HEAD // 2),
    "sines": np.sin(np.arange(64 * HEAD // 2, dtype=np.float32)).reshape(64, HEAD // 2),
}
VECTORS = f"float[batch,new,{WIDTH}]"
PRODUCTS = "q = MatMul(x, wq) k = MatMul(x, wk) v = MatMul(x, wv)"
X = {"x": floats(BATCH, NEW, WIDTH)}
CACHE = {"pk": floats(BATCH, KEY_HEADS, PAST, HEAD), "pv": floats(BATCH, KEY_HEADS, PAST, HEAD)}
CACHE_TYPES = f"float[batch,{KEY_HEADS},past,{HEAD}] pk, float[batch,{KEY_HEADS},past,{HEAD}] pv"
PRESENT_TYPES = f"float[batch,{KEY_HEADS},total,{HEAD}] ok, float[batch,{KEY_HEADS},total,{HEAD}] ov"
GROUPS = f"q_num_heads={HEADS}, kv_num_heads={KEY_HEADS}"
FLOAT_MASK = ("float[new,total] mask", {"mask": floats(NEW, PAST + NEW)})
BOOL_MASK = ("bool[batch,1,new,total] mask", {"mask": np.tril(np.ones((BATCH, 1, NEW, PAST + NEW), bool), PAST)})


def attention(settings: str = "", inputs: str = "", outputs: str = "") -> str:
    """Products around one `Attention` of opset 23 that has no cache."""
    return f"{PRODUCTS} a{outputs} = Attention<{GROUPS}{settings}>(q, k, v{inputs}) y = MatMul(a, wo)"


def with_cache(settings: str = "", mask: str = "") -> str:
    return attention(settings, f", {mask}, pk, pv", ", ok, ov")


SCORES = f"float[batch,{HEADS},new,total] s"
NETWORKS: dict[str, tuple[int, str, Mapping[str, Array]]] = {
    "attention": (23, f"g ({VECTORS} x) => ({VECTORS} y) {{ {attention()} }}", X),
    "causal attention": (23, f"g ({VECTORS} x) => ({VECTORS} y) {{ {attention(', is_causal=1')} }}", X),
    "softcap and scale": (
        23,
        f"g ({VECTORS} x) => ({VECTORS} y) {{ {attention(', softcap=2.5, scale=0.3, is_causal=1')} }}",
        X,
    ),
    "attention with a cache": (
        23,
        f"g ({VECTORS} x, {CACHE_TYPES}) => ({VECTORS} y, {PRESENT_TYPES}) {{ {with_cache(', is_causal=1')} }}",
        X | CACHE,
    ),
    **{
        f"attention {opset} with a cache and a {name} mask": (
            opset,
            f"g ({VECTORS} x, {CACHE_TYPES}, {mask[0]}) => ({VECTORS} y, {PRESENT_TYPES}) "
            f"{{ {with_cache(mask='mask')} }}",
            X | CACHE | mask[1],
        )
        for name, mask in (("float", FLOAT_MASK), ("bool", BOOL_MASK))
        for opset in (23, 24)
    },
    **{
        f"scores {mode}": (
            23,
            f"g ({VECTORS} x) => ({VECTORS} y, {SCORES}) {{ "
            f"{attention(f', softcap=2.0, is_causal=1, qk_matmul_output_mode={mode}', '', ', ok, ov, s')} }}",
            X,
        )
        for mode in range(4)
    },
    "lengths of keys": (
        24,
        f"g ({VECTORS} x, int64[batch] lengths) => ({VECTORS} y) {{ {attention('', ', , , , lengths')} }}",
        X | {"lengths": np.array([3, 1])},
    ),
    "heads as an axis": (
        23,
        f"g ({VECTORS} x) => ({VECTORS} y) {{ {PRODUCTS} "
        f"h = Constant<value_ints=[0, 0, {HEADS}, {HEAD}]>() g = Constant<value_ints=[0, 0, {KEY_HEADS}, {HEAD}]>() "
        "qr = Reshape(q, h) kr = Reshape(k, g) vr = Reshape(v, g) qt = Transpose<perm=[0, 2, 1, 3]>(qr) "
        "kt = Transpose<perm=[0, 2, 1, 3]>(kr) vt = Transpose<perm=[0, 2, 1, 3]>(vr) "
        "at = Attention<is_causal=1>(qt, kt, vt) ar = Transpose<perm=[0, 2, 1, 3]>(at) "
        "m = Constant<value_ints=[0, 0, -1]>() a = Reshape(ar, m) y = MatMul(a, wo) }",
        X,
    ),
    "rotation": (
        23,
        f"g ({VECTORS} x, int64[batch,new] p) => ({VECTORS} y) {{ {PRODUCTS} "
        f"qr = RotaryEmbedding<num_heads={HEADS}>(q, cosines, sines, p) "
        f"kr = RotaryEmbedding<num_heads={KEY_HEADS}, interleaved=1>(k, cosines, sines, p) "
        f"a = Attention<{GROUPS}, is_causal=1>(qr, kr, v) y = MatMul(a, wo) }}",
        X | {"p": np.array([[0, 1, 2], [4, 5, 6]])},
    ),
    "norms": (
        23,
        f"g ({VECTORS} x) => ({VECTORS} y) {{ n = RMSNormalization<epsilon=1e-6>(x, norm) q = MatMul(n, wq) "
        "r = RMSNormalization<axis=-2>(q, norm) y = MatMul(r, wo) }",
        X,
    ),
    "swish": (
        24,
        f"g ({VECTORS} x) => ({VECTORS} y) {{ q = MatMul(x, wq) s = Swish<alpha=1.5>(q) t = Swish(s) "
        "y = MatMul(t, wo) }",
        X,
    ),
    **{
        f"cache written in place, {mode}": (
            24,
            f"g ({VECTORS} x, {CACHE_TYPES}, int64[batch] at) => ({VECTORS} y, {PRESENT_TYPES}) {{ {PRODUCTS} "
            f"g = Constant<value_ints=[0, 0, {KEY_HEADS}, {HEAD}]>() kr = Reshape(k, g) vr = Reshape(v, g) "
            "kt = Transpose<perm=[0, 2, 1, 3]>(kr) vt = Transpose<perm=[0, 2, 1, 3]>(vr) "
            f"ok = TensorScatter<mode=\"{mode}\">(pk, kt, at) ov = TensorScatter<mode=\"{mode}\">(pv, vt, at) "
            f"h = Constant<value_ints=[0, 0, {HEADS}, {HEAD}]>() qr = Reshape(q, h) "
            "qt = Transpose<perm=[0, 2, 1, 3]>(qr) at_ = Attention(qt, ok, ov) "
            "ar = Transpose<perm=[0, 2, 1, 3]>(at_) m = Constant<value_ints=[0, 0, -1]>() a = Reshape(ar, m) "
            "y = MatMul(a, wo) }",
            X | CACHE | {"at": np.array([2, 0])},
        )
        for mode in ("linear", "circular")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_bits(name: str, onnx_file: Write, compiled: Check) -> None:
    opset, graph, inputs = NETWORKS[name]
    file = onnx_file(graph, {k: v for k, v in CONSTANTS.items() if k in graph}, opset=opset, ir=11)
    any_sizes = inputs.keys().isdisjoint({"mask", "at"})  # --verify-each makes them up
    program = compiled(file, inputs, verify_each=any_sizes).program
    assert len(program.multiplications) == sum(weight in graph for weight in ("wq", "wk", "wv", "wo"))
    assert report_of(program).conditions["unknown_operators"] == {}


AXES = (
    f"{PRODUCTS} h = Constant<value_ints=[0, 0, {HEADS}, -1]>() g = Constant<value_ints=[0, 0, {KEY_HEADS}, -1]>() "
    "qr = Reshape(q, h) kr = Reshape(k, g) vr = Reshape(v, g) qt = Transpose<perm=[0, 2, 1, 3]>(qr) "
)
FUSED = "kt = Transpose<perm=[0, 2, 1, 3]>(kr) vt = Transpose<perm=[0, 2, 1, 3]>(vr) at = Attention(qt, kt, vt)"


def test_attention_counts_as_the_products_that_it_stands_for(onnx_file: Write, compiled: Check) -> None:
    repeated = (
        "three = Constant<value_ints=[3]>() ku = Unsqueeze(kr, three) vu = Unsqueeze(vr, three) "
        f"t = Constant<value_ints=[1, 1, 1, {HEADS // KEY_HEADS}, 1]>() ke = Tile(ku, t) ve = Tile(vu, t) "
        "kh = Reshape(ke, h) vh = Reshape(ve, h) "
    )
    decomposed = (
        f"{repeated} kt = Transpose<perm=[0, 2, 3, 1]>(kh) vt = Transpose<perm=[0, 2, 1, 3]>(vh) "
        "s = MatMul(qt, kt) half = Constant<value=float {0.5}>() scaled = Mul(s, half) p = Softmax(scaled) "
        "at = MatMul(p, vt)"
    )
    end = (
        "ar = Transpose<perm=[0, 2, 1, 3]>(at) m = Constant<value_ints=[0, 0, -1]>() a = Reshape(ar, m) "
        "y = MatMul(a, wo)"
    )
    given = {name: CONSTANTS[name] for name in ("wq", "wk", "wv", "wo")}
    picojoules: list[float | None] = []
    for form in (FUSED, decomposed):
        file = onnx_file(f"g ({VECTORS} x) => ({VECTORS} y) {{ {AXES} {form} {end} }}", given, opset=23, ir=11)
        report = report_of(compiled(file, X).program, Conditions(dims={"new": 7}))
        picojoules.append(report.energy_components_pj["attention"])
    assert picojoules[0] == picojoules[1] == 2 * 7 * HEADS * HEAD * 3  # mac_pj
