"""Which nodes a multiplication becomes, and which initializers it shares with others."""

import pytest
from onnx import numpy_helper
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.array import MultiplyOp
from dialects.cim import MatmulOp
from dialects.network import Network
from dialects.semantics.graph_names import GraphNames
from dialects.semantics.product_nodes import ProductWriter
from dialects.weights import WeightStore

WEIGHTS = """
cim.weight @floats = dense<1.5> : tensor<4x4xf32>
cim.weight @bytes = dense<-3> : tensor<4x4xi8>
cim.weight @scaled = dense<-3> : tensor<4x4xi8> as #cim.affine<@scale>
cim.weight @scale = dense<0.5> : tensor<4xf32>
cim.weight @order = dense<[3, 2, 1, 0]> : tensor<4xi64>
cim.weight @blocks = dense<2.0> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "monarch">
cim.weight @ordered = dense<2> : tensor<2x2x2xi8>
  structure #cim.block_diagonal<2 blocks of 2x2, "monarch", columns = @order>
cim.weight @pieces = dense<2> : tensor<4x4xi8> structure #cim.blocks<"sparse", [rows 0 to 3, columns 0 to 3]>
"""


def written(line: str, x: str = "?x4") -> tuple[list[str], dict[str, object]]:
    """The operators that the last multiplication of a network becomes, and the names and values of initializers."""
    element = line.rsplit("x", 1)[-1].rstrip(">")
    text = f"""{WEIGHTS}
    func.func @main(%f: tensor<{x}xf32>, %u: tensor<{x}xui8>, %s: tensor<{x}xi8>) -> tensor<{x}x{element}> {{
      %y = {line}
      func.return %y : tensor<{x}x{element}>
    }}"""
    network = Network(Parser(make_context(), text).parse_module(), WeightStore())
    names = GraphNames()
    writer = ProductWriter(network, names)
    op = network.body[-1]
    assert isinstance(op, MatmulOp | MultiplyOp)
    for result in ("y", "again"):
        nodes = writer.nodes(op, "x", result, "/fc")
    assert nodes[-1].output[0] == "again"
    assert any(node.name == "/fc" for node in nodes)
    values = {name: numpy_helper.to_array(tensor).ravel()[0].item() for name, tensor in names.initializers.items()}
    return [node.op_type for node in nodes], values


def matmul(x: str, weight: str, element: str, product: str) -> str:
    return f"cim.matmul %{x}, @{weight} : tensor<?x4x{element}> -> tensor<?x4x{product}>"


@pytest.mark.parametrize(
    ("line", "operators", "initializers"),
    [
        (matmul("f", "floats", "f32", "f32"), ["MatMul"], {"@floats.float32": 1.5}),
        (matmul("f", "scaled", "f32", "f32"), ["MatMul"], {"@scaled.float32": -1.5}),
        (matmul("s", "bytes", "i8", "i32"), ["MatMulInteger"], {"@bytes": -3}),
        (matmul("u", "bytes", "ui8", "i32"), ["MatMulInteger"], {"@bytes.uint8": 125, "@zero point 128": 128}),
        (
            matmul("u", "pieces", "ui8", "i32"),
            ["MatMulInteger"],
            {"@pieces.matrix.uint8": 130, "@zero point 128": 128},
        ),
        (
            matmul("f", "blocks", "f32", "f32"),
            ["Reshape", "MatMul", "Reshape"],
            {"@blocks": 2, "@[0 2 1 2].split": 0, "@[0 4].joined": 0},
        ),
        (
            matmul("s", "ordered", "i8", "i32"),
            ["Reshape", "MatMulInteger", "Reshape", "Gather"],
            {"@ordered": 2, "@[0 2 1 2].split": 0, "@[0 4].joined": 0, "@order.inverse": 3},
        ),
    ],
)
def test_forms_stand_once(line: str, operators: list[str], initializers: dict[str, object]) -> None:
    assert written(line) == (operators, initializers)


def test_blocks_of_vectors_without_a_rank_are_a_matrix() -> None:
    operators, initializers = written("cim.matmul %f, @blocks : tensor<*xf32> -> tensor<*xf32>", "*")
    assert operators == ["MatMul"]
    assert initializers == {"@blocks.float32": 2}


def test_what_lies_in_arrays_is_of_one_multiplication() -> None:
    line = "array.multiply %s by @bytes { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xi8> -> tensor<?x4xi32>"
    operators, initializers = written(line)
    assert operators == ["MatMulInteger"]
    assert initializers == {"bytes in arrays": -3, "bytes in arrays.1": -3}
