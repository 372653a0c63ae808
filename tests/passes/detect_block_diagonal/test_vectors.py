"""The way between multiplications is straightened where it is exact, and left as it is elsewhere."""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp, PermuteOp
from dialects.network import Network, main_block
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.detect_block_diagonal.vectors import straighten
from passes.rewriting.sweep import sweep

BLOCKS = 'tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">'
DENSE = "tensor<4x4xf32>"
NUMBERS = {BLOCKS: np.arange(8.0).reshape(2, 2, 2).tolist(), DENSE: np.arange(16.0).reshape(4, 4).tolist()}
JOINED = """%a = cim.digital "Reshape"(%x, %flat) : (tensor<?x3x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %b = cim.matmul %a, @w : tensor<?x4xf32> -> tensor<?x4xf32>"""
SHUFFLED = """%s = cim.digital "Reshape"(%x, %split) : (tensor<?x3x4xf32>, tensor<4xi64>) -> tensor<?x3x2x2xf32>
  %t = cim.digital "Transpose"(%s) with {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x3x2x2xf32>) -> tensor<?x3x2x2xf32>
  %a = cim.digital "Reshape"(%t, %flat) : (tensor<?x3x2x2xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %b = cim.matmul %a, @w : tensor<?x4xf32> -> tensor<?x4xf32>"""
MIXED = """%t = cim.digital "Transpose"(%x) with {perm = array<i64: 1, 0, 2>} : (tensor<?x3x4xf32>) -> tensor<3x?x4xf32>
  %a = cim.digital "Reshape"(%t, %flat) : (tensor<3x?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %b = cim.matmul %a, @w : tensor<?x4xf32> -> tensor<?x4xf32>"""


def straighten_checked(network: Network) -> None:
    """Straightens the ways in a network of vectors %x [2, 3, 4]; what it computes must stay."""
    inputs = {"x": np.random.default_rng(0).integers(-9, 9, (2, 3, 4)).astype(np.float32)}
    (expected,) = run_graph(network_model(network), inputs).values()
    straighten(network)
    sweep(network)
    network.module.verify()
    (found,) = run_graph(network_model(network), inputs).values()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("body", "weight", "x", "digital", "permutations"),
    [
        (JOINED, BLOCKS, "tensor<?x3x4xf32>", ["Reshape", "Relu"], 0),
        (SHUFFLED, BLOCKS, "tensor<?x3x4xf32>", ["Reshape", "Relu"], 1),
        (MIXED, BLOCKS, "tensor<?x4xf32>", ["Transpose", "Reshape", "Relu"], 0),
        (JOINED, DENSE, "tensor<?x4xf32>", ["Reshape", "Relu"], 0),
        (SHUFFLED, DENSE, "tensor<?x4xf32>", ["Reshape", "Transpose", "Reshape", "Relu"], 0),
    ],
)
def test_ways_to_a_multiplication(body: str, weight: str, x: str, digital: list[str], permutations: int) -> None:
    """Blocks read vectors of the source's leading dimensions, users of the product see the shape they knew."""
    ctx = make_context(WeightStore())
    module = Parser(
        ctx,
        f"""
        cim.weight @w = dense<{NUMBERS[weight]}> : {weight}
        func.func @main(%x: tensor<?x3x4xf32> {{cim.name = "x"}}) -> (tensor<?x4xf32> {{cim.name = "y"}}) {{
          %flat = cim.constant dense<[-1, 4]> : tensor<2xi64>
          %split = cim.constant dense<[0, 0, 2, 2]> : tensor<4xi64>
          {body}
          %y = cim.digital "Relu"(%b) : (tensor<?x4xf32>) -> tensor<?x4xf32>
          func.return %y : tensor<?x4xf32>
        }}""",
    ).parse_module()
    straighten_checked(Network.of(ctx, module))
    ops = list(main_block(module).ops)
    assert [op.op_type.data for op in ops if isinstance(op, DigitalOp)] == digital
    assert sum(isinstance(op, PermuteOp) for op in ops) == permutations
    (matmul,) = (op for op in ops if isinstance(op, MatmulOp))
    assert str(matmul.x.type) == x


FROM_JOINED = """%y = cim.digital "Reshape"(%b, %flat) : (tensor<?x3x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>"""
FROM_SHUFFLED = """%s = cim.digital "Reshape"(%b, %split) : (tensor<?x3x4xf32>, tensor<4xi64>) -> tensor<?x3x2x2xf32>
  %t = cim.digital "Transpose"(%s) with {{perm = array<i64: 0, 1, 3, 2>}} : (tensor<?x3x2x2xf32>) -> tensor<?x3x2x2xf32>
  %y = cim.digital "Reshape"(%t, %{}) : (tensor<?x3x2x2xf32>, tensor<{}xi64>) -> {}"""
MATRIX, VECTORS = "tensor<?x4xf32>", "tensor<?x3x4xf32>"


@pytest.mark.parametrize(
    ("body", "kind", "digital", "permutations"),
    [
        (FROM_JOINED, MATRIX, ["Reshape", "Relu"], 0),
        (FROM_SHUFFLED.format("flat", 2, MATRIX), MATRIX, ["Reshape", "Relu"], 1),
        (FROM_SHUFFLED.format("same", 3, VECTORS), VECTORS, ["Relu"], 1),
    ],
)
def test_ways_from_a_multiplication(body: str, kind: str, digital: list[str], permutations: int) -> None:
    """Vectors become those of a matrix in one step, if they have to."""
    ctx = make_context(WeightStore())
    module = Parser(
        ctx,
        f"""
        cim.weight @w = dense<{NUMBERS[BLOCKS]}> : {BLOCKS}
        func.func @main(%x: {VECTORS} {{cim.name = "x"}}) -> ({kind} {{cim.name = "z"}}) {{
          %flat = cim.constant dense<[-1, 4]> : tensor<2xi64>
          %same = cim.constant dense<[0, 0, 4]> : tensor<3xi64>
          %split = cim.constant dense<[0, 0, 2, 2]> : tensor<4xi64>
          %b = cim.matmul %x, @w : {VECTORS} -> {VECTORS}
          {body}
          %z = cim.digital "Relu"(%y) : ({kind}) -> {kind}
          func.return %z : {kind}
        }}""",
    ).parse_module()
    straighten_checked(Network.of(ctx, module))
    ops = list(main_block(module).ops)
    assert [op.op_type.data for op in ops if isinstance(op, DigitalOp)] == digital
    assert sum(isinstance(op, PermuteOp) for op in ops) == permutations
