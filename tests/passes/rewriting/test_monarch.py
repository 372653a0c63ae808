"""The operations of a Monarch product compute what `monarch_matrix` says its factors are."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import MatmulOp, PermuteOp
from dialects.network import Network, main_block
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from passes.detect_block_diagonal.analysis.monarch_products import MonarchProduct
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.monarch import monarch_product
from passes.rewriting.patterns import NetworkRewriter

sides = st.integers(1, 4)


@settings(deadline=None, max_examples=25)
@given(sides, sides, sides, sides, sides, st.integers(0, 3), st.integers(0, 3), st.integers(0, 99))
def test_product_of_the_factors(
    ins: int, rows: int, depth: int, outs: int, width: int, short: int, cut: int, seed: int
) -> None:
    """Also for inputs shorter than the first factor, and fewer outputs than the second one has."""
    rng = np.random.default_rng(seed)
    inputs, columns = max(ins * rows - short, 1), max(outs * width - cut, 1)
    w1 = rng.integers(-3, 4, (ins, rows, depth * outs)).astype(np.float32)
    w2 = rng.integers(-3, 4, (outs, depth * ins, width)).astype(np.float32)
    ctx = make_context()
    module = Parser(
        ctx,
        f"""
        cim.weight @w = dense<0.0> : tensor<{inputs}x{columns}xf32>
        func.func @main(%x: tensor<?x{inputs}xf32> {{cim.name = "x"}}) -> tensor<?x{columns}xf32> {{
          %y = cim.matmul %x, @w : tensor<?x{inputs}xf32> -> tensor<?x{columns}xf32>
          func.return %y : tensor<?x{columns}xf32>
        }}""",
    ).parse_module()
    (matmul,) = (op for op in main_block(module).ops if isinstance(op, MatmulOp))
    builder = DigitalBuilder(Network.of(ctx, module), matmul)
    product = monarch_product(builder, matmul.x, w1, w2, columns, "w")
    NetworkRewriter(matmul).replace(matmul, (), [product])
    module.verify()
    x = rng.integers(-3, 4, (2, inputs)).astype(np.float32)
    (found,) = run_graph(network_model(Network.of(ctx, module)), {"x": x}).values()
    expected = x @ MonarchProduct(w1, w2).matrix()[:inputs, :columns]
    np.testing.assert_array_equal(found, expected)
    assert sum(isinstance(op, PermuteOp) for op in main_block(module).ops) <= 2
