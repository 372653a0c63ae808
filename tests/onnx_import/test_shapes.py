"""Types and shapes: what does not fit is named, and ONNX Runtime has the last word."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import load_model_from_string

from cimc.onnx_import.reader import read
from dialects.errors import UserError

Write = Callable[..., Path]
MICROSOFT = ', "com.microsoft" : 1'


def types(file: Path) -> dict[str, tuple[int, list[str | int]]]:
    """Element type and dimensions of each value of a file."""
    graph = read(file, {}).model.graph
    tensors = {entry.name: entry.type.tensor_type for entry in (*graph.value_info, *graph.output)}
    return {n: (t.elem_type, [d.dim_param or d.dim_value for d in t.shape.dim]) for n, t in tensors.items()}


def test_shapes_that_do_not_fit(onnx_file: Write) -> None:
    for nodes in ("[mul] h = MatMul(x, w)  y = Neg(h)", "h = Neg(x) [mul] y = MatMul(h, w)"):
        file = onnx_file(f"g (float[n,4] x) => (float[n,3] y) {{ {nodes} }}", {"w": np.zeros((50, 30), np.float32)})
        with pytest.raises(UserError) as error:
            read(file, {})
        reason = "Incompatible dimensions for matrix multiplication"
        assert str(error.value) == f"{file}: node 'mul' (MatMul): {reason}"


def test_declared_types_that_are_wrong(onnx_file: Write) -> None:
    file = onnx_file("g (float[n] x) => (double[n] y) { y = Neg(x) }")
    with pytest.raises(UserError, match=r"node 'y' \(Neg\): Inferred elem type differs from existing elem type"):
        read(file, {})


def test_declared_shapes_that_onnx_runtime_overlooks(onnx_file: Write) -> None:
    file = onnx_file("g (float[n,4] x) => (float[n,5] y) { y = Neg(x) }")
    assert types(file)["y"] == (1, ["n", 4])


def test_types_of_onnx_runtimes_own_operators(onnx_file: Write) -> None:
    text = """g (float[n,4] x) => (float[n,4] y) {
        h = com.microsoft.SkipLayerNormalization(x, x, w)  k = Transpose(h)  s = SequenceConstruct(k)
        y = com.microsoft.FastGelu(h)
    }"""
    found = types(onnx_file(text, {"w": np.ones(4, np.float32)}, domains=', "com.microsoft" : 1'))
    assert found["h"] == (1, ["n", 4])
    assert found["k"] == (1, [4, "n"])


RUNTIMES: dict[str, dict[str, list[str | int]]] = {
    "y, , , z = SkipLayerNormalization(x, x, g, g)": {"y": ["b", "s", 8], "z": ["b", "s", 8]},
    "y, , , z = SkipSimplifiedLayerNormalization(x, x, g)": {"y": ["b", "s", 8], "z": ["b", "s", 8]},
    "y, = EmbedLayerNormalization(i, , table, table, , g, g)": {"y": ["b", "s", 8]},
    "y = BiasGelu(x, g)": {"y": ["b", "s", 8]},
    "y = FastGelu(x, g)": {"y": ["b", "s", 8]},
    "y = QuickGelu(x)": {"y": ["b", "s", 8]},
    "y = RotaryEmbedding<num_heads = 2>(x, p, angles, angles)": {"y": ["b", "s", 8]},
    "y = MultiHeadAttention<num_heads = 2>(x, x, x)": {"y": ["b", "s", 8]},
    "y, k, v = MultiHeadAttention<num_heads = 2>(x, x, x, , , , c, c)": {"y": ["b", "s", 8], "k": [0, 2, 0, 4]},
    "y, k, v = GroupQueryAttention<num_heads = 2, kv_num_heads = 1>(x2, , , c1, c1, l, t)": {
        "y": ["b", "s", 8], "k": ["b", 1, 0, 4]},
    "y = DequantizeLinear(q, scale, zero)": {"y": ["b", "s", 8]},
}  # fmt: skip
"""Calls of ONNX Runtime's own operators, and dimensions of what they give: 0 for any."""


@pytest.mark.parametrize("call", RUNTIMES)
def test_shapes_of_onnx_runtimes_own_operators(call: str, onnx_file: Write) -> None:
    """Outputs of the network among them, whatever the file says of these: here nothing."""
    results, node = call.split(" = ", 1)
    names = [name for name in results.replace(" ", "").split(",") if name]
    inputs = """float[b,s,8] x, int32[b,s] i, int64[b,s] p, float[b,2,m,4] c, float[b,1,m,4] c1, float[b,s,16] x2,
        int32[b] l, int32 t, uint8[b,s,8] q"""
    constants = {
        "g": np.ones(8, np.float32),
        "table": np.ones((9, 8), np.float32),
        "angles": np.ones((9, 2), np.float32),
        "scale": np.array(0.1, np.float32),
        "zero": np.array(3, np.uint8),
    }
    outputs = ", ".join(f"float {name}" for name in names)
    made = ", ".join(name or f"left{i}" for i, name in enumerate(results.replace(" ", "").split(",")))
    file = onnx_file(f"g ({inputs}) => ({outputs}) {{ {made} = com.microsoft.{node} }}", constants, domains=MICROSOFT)
    model = load_model_from_string(file.read_bytes())
    for entry in model.graph.output:
        entry.type.tensor_type.ClearField("shape")
    for op in model.graph.node:
        op.output[:] = ["" if name.startswith("left") else name for name in op.output]
    file.write_bytes(model.SerializeToString())
    found = types(file)
    for name, dims in RUNTIMES[call].items():
        assert found[name][0] == 1
        assert [size if right else 0 for size, right in zip(found[name][1], dims, strict=True)] == dims


def test_unknown_operators_stay_without_type(onnx_file: Write) -> None:
    text = "g (float[n,4] x) => (float[n,4] y) { h = my.Frob(x)  y = Neg(h) }"
    assert "h" not in types(onnx_file(text, domains=', "my" : 1'))


def test_sizes_of_outputs_that_an_exporter_traced(onnx_file: Write) -> None:
    """They are believed where every input has a fixed size, and only what is inferred where one has not."""
    text = "g (float[%s,4] x, int64[2] s) => (float[5,4] y) { y = Reshape(x, s) }"
    assert types(onnx_file(text % "5"))["y"] == (1, [5, 4])
    assert types(onnx_file(text % "n"))["y"] == (1, [0, 0])


def test_declared_values_count_where_nothing_is_inferred(onnx_file: Write) -> None:
    text = "g (float[n,4] x) => (float[n,4] y) <float[n,4] h, float[n,7] k> { h = my.Frob(x)  k = Neg(h)  y = Neg(k) }"
    found = types(onnx_file(text, domains=', "my" : 1'))
    assert found["h"] == (1, ["n", 4])
    assert found["k"] == (1, ["n", 4])


def test_ranks_go_through_what_onnx_infers(onnx_file: Write) -> None:
    """Round by round: a shape gives a rank, ONNX infers what follows, which gives the next."""
    text = """g (float[a,b,6] x) => (float[c,d,e] y) {
        s = Shape(x)  t = Gather(s, zero)  u = Unsqueeze<axes = [0]>(t)
        k = Concat<axis = 0>(u, rest)  h = Reshape(x, k)  m = Transpose<perm = [0, 2, 1, 3]>(h)
        i = Shape(m)  v = Gather(i, zero)  w = Unsqueeze<axes = [0]>(v)
        l = Concat<axis = 0>(w, last)  y = Reshape(m, l)
    }"""
    constants = {"zero": np.array(0), "rest": np.array([-1, 2, 3]), "last": np.array([-1, 6])}
    found = types(onnx_file(text, constants, opset=11))
    assert found["m"][1][1:] == [2, found["m"][1][2], 3]
    assert found["y"][1][2] == 6
