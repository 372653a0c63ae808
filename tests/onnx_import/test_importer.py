"""What the imported module says: types, constants, bodies, locations."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, load_model_from_string, numpy_helper
from xdsl.dialects.builtin import ModuleOp

from cimc.compiler import Compilation, Options, compile_network
from cimc.hardware.library import load_chip
from cimc.ir.texts import text_of
from cimc.machine.machine import Machine
from cimc.onnx_import.importer import import_onnx
from cimc.program.errors import ProgramError
from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp, ReadOp
from dialects.dominance import undefined_use
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import Network, main_block, main_function, operations, weights_of
from dialects.weights import WeightStore

Write = Callable[..., Path]
Check = Callable[..., Compilation]
W = np.arange(48, dtype=np.float32).reshape(4, 12)


def imported(file: Path, **dims: int) -> ModuleOp:
    module = import_onnx(make_context(), file, load_chip("tiny-4"), dims)
    module.verify()
    assert undefined_use(module) is None
    return module


def test_a_module_says_where_it_comes_from(onnx_file: Write) -> None:
    module = imported(onnx_file("g (float[n,4] x) => (float[n,12] y) { y = MatMul(x, w) }", {"w": W}))
    text = text_of(module)
    assert '"network.onnx"' in text
    assert text.startswith('#chip = #hardware.chip<"tiny-4"')
    assert '%x: tensor<?x4xf32> {cim.name = "x", cim.dims = ["n", ""]} loc("x")' in text
    assert Network(module, WeightStore()).opsets == {"": 17}
    assert [port.dims for _, port in Network(module, WeightStore()).outputs] == [("n", "")]
    assert str(main_function(module).function_type) == "(tensor<?x4xf32>) -> tensor<?x12xf32>"


def test_dimensions(onnx_file: Write) -> None:
    """Symbolic ones stay so unless they are given a size; those without a name get none."""
    file = onnx_file("g (float[batch,?,4] x) => (float[batch,m,4] y) { y = Neg(x) }")
    for dims, names, kind in (
        ({}, ("batch", "m", ""), "tensor<?x?x4xf32>"),
        ({"batch": 2}, ("", "m", ""), "tensor<2x?x4xf32>"),
    ):
        module = imported(file, **dims)
        assert Network(module, WeightStore()).inputs[0][1].dims[1] == ""
        ((value, port),) = Network(module, WeightStore()).outputs
        assert (port.dims, str(value.type)) == (names, kind)


def test_weights_are_stored_once(onnx_file: Write) -> None:
    text = """g (float[4,4] x) => (float[4,12] y) {
        a = MatMul(x, w)  b = MatMul(x, w)  c = Add(w, w)  d = Add(a, b)  y = Add(c, d)
    }"""
    module = imported(onnx_file(text, {"w": W}))
    assert list(weights_of(module)) == ["w"]
    assert sum(isinstance(op, ReadOp) for op in main_block(module).ops) == 1


def test_constants_of_bodies_may_share_a_name(onnx_file: Write) -> None:
    """Each body sees its own, and everything is defined before it is used."""
    model = load_model_from_string(
        onnx_file("g (float[4,12] x, bool c) => (float[4,12] y) { z = Add(x, k)  y = Abs(z) }").read_bytes()
    )
    o = helper.make_tensor_value_info("o", TensorProto.FLOAT, [4, 12])
    bodies = {
        name: helper.make_graph(
            [helper.make_node("Add", ["z", "k"], ["o"])], name, [], [o], [numpy_helper.from_array(W * factor, "k")]
        )
        for name, factor in (("then_branch", 2), ("else_branch", 3))
    }
    choice = helper.make_node("If", ["c"], ["y"], name="choice")
    choice.attribute.extend(helper.make_attribute(name, body) for name, body in bodies.items())
    model.graph.node[1].CopyFrom(choice)
    model.graph.initializer.append(numpy_helper.from_array(W, "k"))
    file = onnx_file("g (float x) => (float y) { y = Neg(x) }")
    file.write_bytes(model.SerializeToString())
    module = imported(file)
    assert list(weights_of(module)) == ["k", "k.1", "k.2"]
    reads = [str(op.symbol) for op in operations(main_block(module)) if isinstance(op, ReadOp)]
    assert sorted(reads) == ["k", "k.1", "k.2"]


def test_initializers_that_are_also_inputs(onnx_file: Write) -> None:
    """As before ONNX IR 4, or with a default value since: they are constants."""
    for ir in (3, 8):
        file = onnx_file("g (float[4,12] w, float[n,4] x) => (float[n,12] y) { y = MatMul(x, w) }", {"w": W}, ir=ir)
        block = main_block(imported(file))
        assert len(block.args) == 1
        assert any(isinstance(op, MatmulOp) for op in block.ops)


def test_texts_stay_constant_nodes(onnx_file: Write) -> None:
    text = "g (string[n] x) => (bool[n] y) { y = Equal(x, k) }"
    module = imported(onnx_file(text, {"k": np.array(["a"], np.object_)}, opset=19))
    kinds = [op.op_type.data for op in main_block(module).ops if isinstance(op, DigitalOp)]
    assert kinds == ["Constant", "Equal"]


def test_unknown_operators_are_imported(onnx_file: Write) -> None:
    text = "g (float[n,4] x) => (float[n,4] y) { [strange] h = my.Frob<size=3>(x)  y = Neg(h) }"
    module = imported(onnx_file(text, domains=', "my" : 2'))
    op = next(op for op in main_block(module).ops if isinstance(op, DigitalOp))
    assert (node_name(op), op.op_type.data, op.domain is not None and op.domain.data) == ("strange", "Frob", "my")
    assert str(op.outputs[0].type) == 'tensor<*x!cim.element<"undefined">>'
    assert Network(module, WeightStore()).opsets["my"] == 2


@pytest.mark.parametrize(
    ("node", "weight", "found"),
    [
        ("Conv(x, w)", np.ones((6, 3, 1), np.float32), "vectors of 8 by a weight of 3 rows"),
        ("Conv<group = 2>(x, w)", np.ones((6, 3, 1), np.float32), "vectors of 8 by a weight of 6 rows"),
    ],
)
def test_vectors_that_do_not_fit_their_weight(
    node: str, weight: NDArray[np.float32], found: str, onnx_file: Write
) -> None:
    """ONNX's shape inference does not look at the channels of a convolution."""
    file = onnx_file(f"g (float[n,8,4] x) => (float[n,6,4] y) {{ y = {node} }}", {"w": weight})
    with pytest.raises(UserError, match=f"node 'y' multiplies {found}") as error:
        compile_network(file, Options(chip="tiny-4"))
    assert str(error.value).startswith(f"{file}: ")


@pytest.mark.parametrize(("ir", "opset"), [(3, 9), (8, 17)])
def test_initializers_that_are_inputs(ir: int, opset: int, onnx_file: Write, compiled: Check) -> None:
    """They are constants, large ones and small ones, and a run that gives one is refused."""
    w = np.arange(1200, dtype=np.float32).reshape(4, 300)
    text = "g (float[n,4] x, float[4,300] w, float[1] s) => (float[n,300] y) { m = MatMul(x, w) y = Mul(m, s) }"
    file = onnx_file(text, {"w": w, "s": np.ones(1, np.float32)}, opset=opset, ir=ir)
    program = compiled(file).program
    assert [value.name for value in program.inputs] == ["x"]
    assert program.source.initializers == ("w", "s")
    assert len(program.multiplications) == 1
    with pytest.raises(ProgramError, match=r"^input w is an initializer of the network, .*; the program takes x$"):
        Machine(program).run({"x": np.ones((1, 4), np.float32), "w": w})
