"""float16 and bfloat16 networks become float32 ones that are rounded where the network says so, and nowhere else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import GraphProto, TensorProto, helper, load_model_from_string

from cimc.compiler import Compilation
from cimc.machine.machine import Machine
from cimc.onnx_import.lifting import LiftedConstants
from cimc.onnx_import.reader import Source, read
from dialects.errors import UserError

Array = NDArray[Any]
Write = Callable[..., Path]
Check = Callable[..., Compilation]
HALF, BFLOAT = TensorProto.FLOAT16, TensorProto.BFLOAT16

GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((5, 4)).astype(np.float16)
W = GENERATOR.standard_normal((4, 3)).astype(np.float16)


def nodes_of(graph: GraphProto) -> list[str]:
    return [node.op_type for node in graph.node]


def types_of(source: Source) -> set[int]:
    graph = source.model.graph
    return {entry.type.tensor_type.elem_type for entry in (*graph.input, *graph.value_info, *graph.output)}


def test_other_networks_stay(onnx_file: Write) -> None:
    source = read(onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }"), {})
    assert source.lifted == ()
    assert nodes_of(source.model.graph) == ["Neg"]


def test_what_is_lifted_stays(onnx_file: Write) -> None:
    """A reference of a float16 network is exact as it is."""
    text = "g (float16[n,4] x) => (float16[n,4] y) { f = Cast<to=1>(x) e = Exp(f) y = Cast<to=10>(e) }"
    source = read(onnx_file(text), {})
    assert source.lifted == ()
    assert nodes_of(source.model.graph) == ["Cast", "Exp", "Cast"]


def test_inputs_and_outputs_keep_their_type(onnx_file: Write) -> None:  # N16, N17
    source = read(onnx_file("g (float16[n,4] x) => (float16[n,3] y) { y = MatMul(x, w) }", {"w": W}), {})
    assert source.lifted == ("float16",)
    assert nodes_of(source.model.graph) == ["Cast", "MatMul", "Cast"]
    assert source.model.graph.input[0].type.tensor_type.elem_type == HALF
    assert source.model.graph.output[0].type.tensor_type.elem_type == HALF
    assert source.constants["w"].dtype == np.float32
    assert np.array_equal(source.constants["w"], W)


def test_constants_of_a_file_are_lifted_when_they_are_asked_for(tmp_path: Path) -> None:
    """So that float32 copies of all need not be in memory at a time."""
    (tmp_path / "data").write_bytes(W.tobytes())
    mapped = np.memmap(tmp_path / "data", np.float16, "r", shape=W.shape)
    constants = LiftedConstants({"w": W, "mapped": mapped, "i": np.arange(3)})
    assert list(constants) == ["w", "mapped", "i"]
    assert "i" in constants
    assert "x" not in constants
    assert len(constants) == 3
    assert [constants[name].dtype for name in constants] == [np.float32, np.float32, np.int64]
    assert np.array_equal(constants["mapped"], W)
    again = constants.again("mapped")
    assert again is not None
    assert np.array_equal(again(), W)
    assert constants.again("w") is None


def test_an_output_that_is_used_further(onnx_file: Write) -> None:
    """Only what leaves the network is rounded."""
    text = "g (float16[n,4] x) => (float16[n,4] h, float16[n,4] y) { h = Exp(x) y = Exp(h) }"
    source = read(onnx_file(text), {})
    assert nodes_of(source.model.graph) == ["Cast", "Exp", "Exp", "Cast", "Cast"]


def test_an_input_that_is_an_output(onnx_file: Write, compiled: Check) -> None:
    file = onnx_file("g (float16[n,4] x) => (float16[n,4] x, float16[n,4] y) { y = Neg(x) }")
    assert np.array_equal(Machine(compiled(file).program).run({"x": X})["x"], X)


def test_a_cast_is_a_rounding_that_stays(onnx_file: Write, compiled: Check) -> None:  # N18
    """Of float32 networks that store some values in half precision: not a bit changes."""
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { h = Cast<to=10>(x) f = Cast<to=1>(h) y = Neg(f) }")
    x = GENERATOR.standard_normal((5, 4)).astype(np.float32)
    compilation = compiled(file, {"x": x})
    assert np.array_equal(Machine(compilation.program).run({"x": x})["y"], -x.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize(
    "text",
    [
        "c = ConstantOfShape<value = float16[1] {3}>(s) y = Add(x, c)",
        "c = Constant<value = float16[4] {1, 2, 3, 4}>() y = Add(x, c)",
        "c = Cast<to=10>(s) t = ReduceSum<keepdims=0>(c) y = Add(x, t)",
        "d = Cast<to=11>(x) e = Exp(d) c = Cast<to=10>(e) y = Add(x, c)",
        "c = CastLike(s, x) t = ReduceSum<keepdims=0>(c) y = Add(x, t)",
        "e = EyeLike<dtype=10>(sq) y = Add(x, e)",
        "b = Constant<value_int=1>() t = Cast<to=9>(b) "
        "y = If<then_branch = then () => (float16[n,4] p) { p = Exp(x) }, "
        "else_branch = else () => (float16[n,4] q) { q = Neg(x) }>(t)",
    ],
)
def test_operators_that_name_the_type(text: str, onnx_file: Write, compiled: Check) -> None:
    constants = {"s": np.array([5, 4]), "sq": np.ones((5, 4), np.int32)}
    file = onnx_file(f"g (float16[n,4] x) => (float16[n,4] y) {{ {text} }}", constants)
    assert types_of(read(file, {})) <= {HALF, TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, 9, 6}
    compilation = compiled(file, {"x": X}, verify_each=True)
    assert compilation.distance is not None
    assert str(compilation.distance).startswith("identical to the original, bit for bit")


def test_half_precision_across_kernels(onnx_file: Write, compiled: Check) -> None:  # N16
    """A value that crosses a kernel is rounded in the program as in the reference: not at all."""
    text = "g (float16[n,4] x) => (float16[n,4] y) { t = Tanh(x) a = MatMul(t, w) y = Add(a, t) }"
    for seed in range(8):
        generator = np.random.default_rng(seed)
        w = generator.standard_normal((4, 4)).astype(np.float16)
        inputs = {"x": generator.standard_normal((20, 4)).astype(np.float16)}
        assert len(compiled(onnx_file(text, {"w": w}), inputs).program.multiplications) == 1


def bfloat16_network(folder: Path) -> Path:
    graph = helper.make_graph(
        [
            helper.make_node("Tanh", ["x"], ["t"]),
            helper.make_node("MatMul", ["t", "w"], ["a"]),
            helper.make_node("Add", ["a", "x"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", BFLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", BFLOAT, ["n", 4])],
        [helper.make_tensor("w", BFLOAT, [4, 4], GENERATOR.standard_normal(16).tolist())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "bfloat16.onnx").write_bytes(model.SerializeToString())
    return folder / "bfloat16.onnx"


def test_bfloat16(compiled: Check, tmp_path: Path) -> None:  # N17
    """Inputs and outputs are float32 that hold bfloat16 values."""
    file = bfloat16_network(tmp_path)
    x = GENERATOR.standard_normal((7, 4)).astype(np.float32)
    compilation = compiled(file, {"x": x})
    assert len(compilation.program.multiplications) == 1
    (y,) = Machine(compilation.program).run({"x": x}).values()
    assert y.dtype == np.float32
    assert np.array_equal(y, y.astype(ml_dtypes.bfloat16).astype(np.float32))
    rounded = x.astype(ml_dtypes.bfloat16).astype(np.float32)
    assert np.array_equal(y, Machine(compilation.program).run({"x": rounded})["y"])
    w = load_model_from_string(file.read_bytes()).graph.initializer[0]
    weight = np.array(w.int32_data, np.uint16).view(ml_dtypes.bfloat16).astype(np.float32).reshape(4, 4)
    assert np.allclose(y, np.tanh(rounded) @ weight + rounded, atol=0.1)
    assert compilation.distance is not None
    assert (compilation.distance.cosine or 0) > 0.999
    assert compilation.distance.rewritten == "bfloat16 made float32"


def test_bits_of_half_precision(tmp_path: Path) -> None:  # N19
    graph = helper.make_graph(
        [helper.make_node("BitCast", ["x"], ["y"], "bits", to=TensorProto.INT16)],
        "g",
        [helper.make_tensor_value_info("x", HALF, [4])],
        [helper.make_tensor_value_info("y", TensorProto.INT16, [4])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 26)], ir_version=13)
    (tmp_path / "bits.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError) as error:
        read(tmp_path / "bits.onnx", {})
    assert str(error.value).endswith(
        "bits.onnx: node 'bits' (BitCast) takes the bits of numbers apart, which float32 changes"
    )
