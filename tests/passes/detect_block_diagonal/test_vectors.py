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

BLOCKS = 'tensor<2x2x2xf32> structure #cim.block_diagonal<2, 2x2, "block_diagonal">'
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
    ctx = make_context()
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
    inputs = {"x": np.random.default_rng(0).integers(-9, 9, (2, 3, 4)).astype(np.float32)}
    (expected,) = run_graph(network_model(Network.of(ctx, module)), inputs).values()
    straighten(Network.of(ctx, module))
    sweep(Network(module, WeightStore()))
    module.verify()
    (found,) = run_graph(network_model(Network.of(ctx, module)), inputs).values()
    np.testing.assert_array_equal(found, expected)
    ops = list(main_block(module).ops)
    assert [op.op_type.data for op in ops if isinstance(op, DigitalOp)] == digital
    assert sum(isinstance(op, PermuteOp) for op in ops) == permutations
    (matmul,) = (op for op in ops if isinstance(op, MatmulOp))
    assert str(matmul.x.type) == x
