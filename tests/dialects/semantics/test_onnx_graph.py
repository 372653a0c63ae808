"""Modules as ONNX graphs: whatever the IR says, ONNX Runtime computes it, under the names of the ports."""

from collections.abc import Mapping
from textwrap import indent
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, helper
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin
from xdsl.dialects.func import Func
from xdsl.parser import Parser

from dialects.array import ArrayDialect
from dialects.cim import make_cim, weight_op
from dialects.errors import UserError
from dialects.network import Network, Port, main_block
from dialects.semantics.onnx_graph import GraphWriter, graph_attributes, network_model, outlined_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.semantics.outlined import LARGE
from dialects.weights import WeightStore, digest_of

Arrays = Mapping[str, NDArray[Any]]
X = np.array([[1, -2], [3, 4], [-5, 6]], np.float32)


class Runnable(Network):
    """A network that tests run."""

    @property
    def model(self) -> ModelProto:
        return network_model(self)

    def run(self, **inputs: NDArray[Any]) -> dict[str, list[Any]]:
        return {name: array.tolist() for name, array in run_graph(self.model, inputs).items()}


def network(text: str) -> Runnable:
    store = WeightStore()
    context = Context()
    for dialect in (Builtin, Func, ArrayDialect, make_cim(store)):
        context.load_dialect(dialect)
    module = Parser(context, text).parse_module()
    module.verify()
    return Runnable(module, store)


def function(signature: str, body: str, weights: str = "") -> Runnable:
    return network(f"{weights}\nfunc.func @main({signature} {{\n{indent(body, '  ')}\n}}")


def node_names(model: ModelProto) -> list[str]:
    return [node.name for node in model.graph.node]


# Inputs and outputs.


def test_names_of_ports_come_out_exactly():
    found = network(
        r"""
func.func @main(%x: tensor<?x2xf32> {cim.name = "in \22\\u{fc}\22", cim.dims = ["gr\\u{f6}\\u{df}e", ""]})
    -> (tensor<?x2xf32> {cim.name = "aus/\\u{2603}", cim.dims = ["gr\\u{f6}\\u{df}e", ""]}) {
  %y = cim.digital "Neg"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  func.return %y : tensor<?x2xf32>
}"""
    )
    (x,), (y,) = found.model.graph.input, found.model.graph.output
    assert (x.name, y.name) == ('in "ü"', "aus/☃")
    assert [d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim] == ["größe", 2]
    assert found.run(**{'in "ü"': X}) == {"aus/☃": (-X).tolist()}


def test_outputs_that_are_inputs_constants_or_the_same():
    found = function(
        "%x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<i64>, tensor<40xf32>, tensor<3x2xf32>, tensor<3x2xf32>)",
        """
%c = cim.constant dense<7> : tensor<i64>
%w = cim.read @w : tensor<40xf32>
%y = cim.digital "Neg"(%x) : (tensor<3x2xf32>) -> tensor<3x2xf32>
func.return %x, %c, %w, %y, %y : tensor<3x2xf32>, tensor<i64>, tensor<40xf32>, tensor<3x2xf32>, tensor<3x2xf32>""",
        "cim.weight @w = dense<2.0> : tensor<40xf32>",
    )
    negative = (-X).tolist()
    expected = {"output0": X.tolist(), "output1": 7, "output2": [2.0] * 40, "output3": negative, "output4": negative}
    assert found.run(input0=X) == expected


def test_an_output_may_have_the_name_of_the_input_that_it_is():
    found = network(
        """
func.func @main(%x: tensor<2xf32> {cim.name = "x", cim.dims = [""]})
    -> (tensor<2xf32> {cim.name = "x", cim.dims = [""]}) {
  func.return %x : tensor<2xf32>
}"""
    )
    assert found.run(x=X[0]) == {"x": X[0].tolist()}


def test_names_of_ports_are_nobody_elses():
    """Ports may be called like weights, constants and values of the IR."""
    found = network(
        """
cim.weight @w = dense<1.0> : tensor<2x2xf32>
func.func @main(%a: tensor<?x2xf32> {cim.name = "@w", cim.dims = ["", ""]},
                %b: tensor<?x2xf32> {cim.name = "y", cim.dims = ["", ""]},
                %d: tensor<?x2xf32> {cim.name = "@w.float", cim.dims = ["", ""]})
    -> (tensor<?x2xf32> {cim.name = "constant", cim.dims = ["", ""]},
        tensor<?x2xf32> {cim.name = "v", cim.dims = ["", ""]}) {
  %w = cim.read @w : tensor<2x2xf32>
  %two = cim.constant dense<2.0> : tensor<f32>
  %0 = cim.matmul %a, @w : tensor<?x2xf32> -> tensor<?x2xf32>
  %y = cim.digital "Mul"(%0, %two) : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %1 = cim.digital "MatMul"(%b, %w) : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %2 = cim.digital "Add"(%1, %d) : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  func.return %y, %2 : tensor<?x2xf32>, tensor<?x2xf32>
}"""
    )
    sums = np.sum(X, axis=1, keepdims=True) @ np.ones((1, 2))
    inputs = {"@w": X, "y": -X, "@w.float": X}
    assert found.run(**inputs) == {"constant": (2 * sums).tolist(), "v": (X - sums).tolist()}


def test_a_weight_may_be_called_like_the_floats_of_another():
    found = function(
        "%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<2x2xf32>)",
        """
%y = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
%z = cim.read @w.float : tensor<2x2xf32>
func.return %y, %z : tensor<?x2xf32>, tensor<2x2xf32>""",
        """
cim.weight @w = dense<[[1, 0], [0, 1]]> : tensor<2x2xi8> as #cim.affine<@scale>
cim.weight @w.float = dense<9.0> : tensor<2x2xf32>
cim.weight @scale = dense<2.0> : tensor<2xf32>""",
    )
    assert found.run(input0=X) == {"output0": (2 * X).tolist(), "output1": [[9, 9], [9, 9]]}


def test_a_weight_in_two_float_types():
    found = function(
        "%x: tensor<?x2xf32>, %z: tensor<?x2xf64>) -> (tensor<?x2xf32>, tensor<?x2xf64>)",
        """
%a = cim.matmul %x, @w : tensor<?x2xf32> -> tensor<?x2xf32>
%b = cim.matmul %z, @w : tensor<?x2xf64> -> tensor<?x2xf64>
func.return %a, %b : tensor<?x2xf32>, tensor<?x2xf64>""",
        """
cim.weight @w = dense<[[1, 0], [0, 1]]> : tensor<2x2xi8> as #cim.affine<@scale>
cim.weight @scale = dense<2.0> : tensor<2xf32>""",
    )
    assert found.run(input0=X, input1=X.astype(np.float64)) == {
        "output0": (2 * X).tolist(),
        "output1": (2 * X).tolist(),
    }


def test_values_without_type_are_left_to_onnx_runtime():
    found = function(
        '%x: tensor<?x2xf32>) -> tensor<*x!cim.element<"undefined">>',
        """
%y = cim.digital "Neg"(%x) : (tensor<?x2xf32>) -> tensor<*x!cim.element<"undefined">>
func.return %y : tensor<*x!cim.element<"undefined">>""",
    )
    assert not found.model.graph.output[0].type.HasField("tensor_type")


# Operators.


def test_absent_inputs_and_outputs():
    found = function(
        "%x: tensor<3x2xf32>) -> tensor<3x2xf32>",
        """
%none = cim.none : none
%top = cim.constant dense<1.0> : tensor<f32>
%y = cim.digital "Clip"(%x, %none, %top) : (tensor<3x2xf32>, none, tensor<f32>) -> tensor<3x2xf32>
%z, %mask = cim.digital "Dropout"(%y) : (tensor<3x2xf32>) -> (tensor<3x2xf32>, none)
func.return %z : tensor<3x2xf32>""",
    )
    clip, dropout = found.model.graph.node
    assert (list(clip.input)[1], list(dropout.output)[1]) == ("", "")
    assert found.run(input0=X) == {"output0": np.minimum(X, 1).tolist()}


def test_names_of_nodes_are_unique():
    operators = "\n".join(
        f'%y{i} = cim.digital "Neg"(%x) : (tensor<2xf32>) -> tensor<2xf32> loc("{name}")'
        for i, name in enumerate(["a", "a.1", "a", "a", "a.1", r"\\u{e9}"])
    )
    found = function("%x: tensor<2xf32>) -> tensor<2xf32>", f"{operators}\nfunc.return %y0 : tensor<2xf32>")
    names = node_names(found.model)
    assert len(set(names)) == len(names) == 6
    assert names[:2] == ["a", "a.1"]
    assert names[-1] == "é"


def test_domains_and_operator_sets():
    found = network(
        """
builtin.module attributes {cim.opsets = ["ai.onnx:18", "com.microsoft:1"]} {
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %y = cim.digital "Gelu" of "com.microsoft"(%x) : (tensor<2xf32>) -> tensor<2xf32>
    %z = cim.digital "Neg" of "ai.onnx"(%y) : (tensor<2xf32>) -> tensor<2xf32>
    func.return %z : tensor<2xf32>
  }
}"""
    )
    assert {o.domain: o.version for o in found.model.opset_import} == {"": 18, "com.microsoft": 1}
    assert [node.domain for node in found.model.graph.node] == ["com.microsoft", ""]
    assert len(found.run(input0=X[0])["output0"]) == 2


def test_what_is_no_operator():
    found = function("%x: tensor<2xf32>) -> ()", "func.call @main(%x) : (tensor<2xf32>) -> ()\nfunc.return")
    with pytest.raises(UserError) as error:
        _ = found.model
    assert str(error.value) == "func.call has no form in ONNX: expected operations of cim and array only"


def test_lists_of_graphs_are_refused():
    graph = helper.make_graph([], "g", [], [])
    node = helper.make_node("Odd", [], [], name="n", bodies=[graph, graph])
    with pytest.raises(UserError) as error:
        graph_attributes(node)
    assert str(error.value) == "node 'n': attribute 'bodies' is a list of graphs, which no ONNX operator has"


# Control flow.


@pytest.mark.parametrize("go", [True, False])
def test_bodies_see_inputs_constants_and_values_around_them(go: bool):
    found = function(
        "%go: tensor<i1>, %x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<40xf32>)",
        """
%two = cim.constant dense<2.0> : tensor<f32>
%n = cim.digital "Neg"(%x) : (tensor<3x2xf32>) -> tensor<3x2xf32>
%w = cim.read @w : tensor<40xf32>
%a, %b, %c = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
  cim.yield %x, %x, %w : tensor<3x2xf32>, tensor<3x2xf32>, tensor<40xf32>
} {
  %0 = cim.digital "Mul"(%n, %two) : (tensor<3x2xf32>, tensor<f32>) -> tensor<3x2xf32>
  %1 = cim.digital "Mul"(%w, %two) : (tensor<40xf32>, tensor<f32>) -> tensor<40xf32>
  cim.yield %0, %0, %1 : tensor<3x2xf32>, tensor<3x2xf32>, tensor<40xf32>
} : (tensor<i1>) -> (tensor<3x2xf32>, tensor<3x2xf32>, tensor<40xf32>)
func.return %a, %b, %c : tensor<3x2xf32>, tensor<3x2xf32>, tensor<40xf32>""",
        "cim.weight @w = dense<3.0> : tensor<40xf32>",
    )
    y, factor = (X.tolist(), 1) if go else ((-2 * X).tolist(), 2)
    assert found.run(input0=np.array(go), input1=X) == {"output0": y, "output1": y, "output2": [3.0 * factor] * 40}


def test_loops_carry_values_and_nest():
    found = function(
        "%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<?x2xf32>)",
        """
%n = cim.constant dense<3> : tensor<i64>
%yes = cim.constant dense<true> : tensor<i1>
%last, %all = cim.digital "Loop"(%n, %yes, %x) bodies ["body"] {
^body(%i: tensor<i64>, %go: tensor<i1>, %sum: tensor<2xf32>):
  %even = cim.digital "Equal"(%i, %i) : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %next = cim.digital "If"(%even) bodies ["then_branch", "else_branch"] {
    %0 = cim.digital "Add"(%sum, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    cim.yield %0 : tensor<2xf32>
  } {
    cim.yield %sum : tensor<2xf32>
  } : (tensor<i1>) -> tensor<2xf32>
  cim.yield %go, %next, %sum : tensor<i1>, tensor<2xf32>, tensor<2xf32>
} : (tensor<i64>, tensor<i1>, tensor<2xf32>) -> (tensor<2xf32>, tensor<?x2xf32>)
func.return %last, %all : tensor<2xf32>, tensor<?x2xf32>""",
    )
    x = X[0]
    assert found.run(input0=x) == {"output0": (4 * x).tolist(), "output1": [(k * x).tolist() for k in (1, 2, 3)]}


# What is scheduled.


def test_kernels_and_permutations():
    """An operator's result, a constant and an argument, all of them yielded; values inside do not clash with others."""
    found = function(
        "%x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<3x2xf32>)",
        """
%c = cim.constant dense<[1.0, 2.0]> : tensor<2xf32>
%a, %b, %d = array.kernel 0 start_ps 0 duration_ps 0 {
  %0 = cim.digital "Neg"(%x) : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %1 = cim.digital "Mul"(%0, %c) : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  array.yield %1, %c, %x : tensor<3x2xf32>, tensor<2xf32>, tensor<3x2xf32>
} : tensor<3x2xf32>, tensor<2xf32>, tensor<3x2xf32>
%y = array.permute %a, @swap start_ps 0 duration_ps 5 : tensor<3x2xf32> -> tensor<3x2xf32>
func.return %a, %b, %d, %y : tensor<3x2xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<3x2xf32>""",
        "cim.weight @swap = dense<[1, 0]> : tensor<2xi64>",
    )
    product = -X * np.array([1, 2], np.float32)
    expected = {"output0": product, "output1": np.array([1, 2]), "output2": X, "output3": product[:, ::-1]}
    assert found.run(input0=X) == {name: array.tolist() for name, array in expected.items()}


# Multiplications.


def test_multiplication_by_what_lies_in_the_arrays():
    """Rows that no group activates count as zero, and tiles are read from where they were put."""
    found = function(
        "%x: tensor<?x3xui8>) -> tensor<?x2xi32>",
        """
%y = array.stage 0 start_ps 0 duration_ps 1 {
  %in = array.transfer %x "into arrays" start_ps 0 duration_ps 0 : tensor<?x3xui8>
  %0 = array.multiply %in by @w {
    tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0
    tile 1: rows 2 to 2, columns 0 to 1 in array 0 at row 1, column 1
    convert rows 0 to 0 of tile 0 to 8 bits at 0 ps, sums up to 1
    convert rows 0 to 0 of tile 1 to 8 bits at 0 ps, sums up to 1
  } : tensor<?x3xui8> -> tensor<?x2xi32>
  %out = array.transfer %0 "out of arrays" start_ps 1 duration_ps 0 : tensor<?x2xi32>
  array.yield %out : tensor<?x2xi32>
} : tensor<?x2xi32>
func.return %y : tensor<?x2xi32>""",
        "cim.weight @w = dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>",
    )
    x = np.array([[1, 10, 100]], np.uint8)
    assert found.run(input0=x) == {"output0": [[501, 602]]}
    overlapping = function(
        "%x: tensor<?x3xui8>) -> tensor<?x2xi32>",
        """
%y = array.multiply %x by @w {
  tile 0: rows 0 to 1, columns 0 to 1 in array 0 at row 0, column 0
  tile 1: rows 2 to 2, columns 0 to 1 in array 0 at row 1, column 1
} : tensor<?x3xui8> -> tensor<?x2xi32>
func.return %y : tensor<?x2xi32>""",
        "cim.weight @w = dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>",
    )
    assert overlapping.run(input0=x) == {"output0": [[1 + 30 + 500, 2 + 50 + 600]]}


@pytest.mark.parametrize("signed", [False, True])
def test_integers_are_multiplied_as_they_are(signed: bool):
    kind, low, high = ("i8", -128, 127) if signed else ("ui8", 0, 255)
    found = function(
        f"%x: tensor<?x2x{kind}>) -> tensor<?x2xi32>",
        f"%y = cim.matmul %x, @w : tensor<?x2x{kind}> -> tensor<?x2xi32>\nfunc.return %y : tensor<?x2xi32>",
        "cim.weight @w = dense<[[-128, 127], [-128, 127]]> : tensor<2x2xi8>",
    )
    x = np.array([[low, low], [high, high]], np.int8 if signed else np.uint8)
    assert found.run(input0=x) == {"output0": [[-256 * low, 254 * low], [-256 * high, 254 * high]]}


# Constants handed over from outside.


def test_external_constants():
    found = function(
        "%x: tensor<40xf32>) -> tensor<40xf32>",
        """
%w = cim.read @w : tensor<40xf32>
%v = cim.read @v : tensor<40xf32>
%constant0 = cim.digital "Add"(%x, %w) : (tensor<40xf32>, tensor<40xf32>) -> tensor<40xf32>
%constant1 = cim.digital "Add"(%constant0, %v) : (tensor<40xf32>, tensor<40xf32>) -> tensor<40xf32>
%y = cim.digital "Add"(%constant1, %w) : (tensor<40xf32>, tensor<40xf32>) -> tensor<40xf32>
func.return %y : tensor<40xf32>""",
    )
    for name, number in (("w", 1.0), ("v", 2.0)):
        found.add_weight(weight_op(name, np.full(40, number, np.float32), found.store))
    taken: list[NDArray[Any]] = []

    def external(array: NDArray[Any], digest: str | None) -> str:
        assert digest == digest_of(array)
        taken.append(array)
        return f"constant{int(array[0]) - 1}"

    writer = GraphWriter(found, external)
    ops = list(main_block(found.module).ops)[:-1]
    model = writer.model(ops, found.inputs, found.outputs)
    assert sorted(writer.external_names) == ["constant0", "constant1"]
    made = [name for node in model.graph.node for name in node.output]
    assert not set(made) & set(writer.external_names)
    assert len(set(made)) == 3


def test_part_of_a_network():
    found = function(
        "%x: tensor<2xf32>) -> tensor<2xf32>",
        """
%a = cim.digital "Neg"(%x) : (tensor<2xf32>) -> tensor<2xf32>
%b = cim.digital "Abs"(%a) : (tensor<2xf32>) -> tensor<2xf32>
func.return %b : tensor<2xf32>""",
    )
    negative, absolute, _ = main_block(found.module).ops
    ports = [(negative.results[0], Port("from", ()))], [(absolute.results[0], Port("to", ()))]
    model = GraphWriter(found).model([absolute], *ports)
    assert run_graph(model, {"from": X[0]})["to"].tolist() == [1, 2]


def test_large_weights_are_made_when_the_model_is_run() -> None:
    """In the graph itself are only their names, types and shapes."""
    large = np.random.default_rng(0).integers(-128, 128, (4, LARGE)).astype(np.int8)
    large_type = f"tensor<4x{LARGE}xi8>"
    found = function(
        f"%x: tensor<3x4xui8>) -> (tensor<3x{LARGE}xi32>, {large_type})",
        f"""%a = cim.matmul %x, @w : tensor<3x4xui8> -> tensor<3x{LARGE}xi32>
%r = cim.read @w : {large_type}
func.return %a, %r : tensor<3x{LARGE}xi32>, {large_type}""",
    )
    found.add_weight(weight_op("w", large, found.store))
    model = outlined_model(found)
    assert model.proto.ByteSize() < 2000
    assert {name: constant.nbytes for name, constant in model.constants.items()} == dict.fromkeys(
        ("@w", "@w.uint8"), large.nbytes
    )
    x = np.array([[0, 1, 2, 255]] * 3, np.uint8)
    for packed in (True, False):
        outputs = run_graph(model, {"input0": x}, packed)
        assert np.array_equal(outputs["output0"], x.astype(np.int32) @ large)
        assert np.array_equal(outputs["output1"], large)
