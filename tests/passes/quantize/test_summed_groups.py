"""Products by groups of rows that are added up: scales and zero point of a token count once, after the sum."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import NoneType, SymbolRefAttr
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.structure import BlockDiagonalAttr
from dialects.cim import DigitalOp, MatmulOp, weight_op
from dialects.network import Network, shape_of
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.quantize.quantize import QuantizePass
from passes.quantize.summed_groups import summed_groups

Array = NDArray[Any]
RNG = np.random.default_rng(0)
GROUPS, ROWS, COLUMNS = 3, 4, 5
VALUES = RNG.integers(-8, 8, (GROUPS, ROWS, COLUMNS)).astype(np.int8)
SCALES = RNG.uniform(0.1, 1, GROUPS * COLUMNS).astype(np.float32)
X = RNG.standard_normal((2, 7, GROUPS * ROWS), np.float32)
TEXT = """
builtin.module attributes {{"cim.opsets" = ["ai.onnx:17"]}} {{
func.func @main(%x: tensor<?x?x12xf32> {{cim.name = "x", cim.dims = ["b", "t", ""]}}) -> ({types}) {{
  %sizes = cim.constant dense<[0, 0, {sizes}]> : tensor<4xi64>
  %axes = cim.constant dense<{axis}> : tensor<1xi64>
  %p = cim.matmul %x, @w : tensor<?x?x12xf32> -> tensor<?x?x15xf32>
  %s = cim.digital "Reshape"(%p, %sizes) : (tensor<?x?x15xf32>, tensor<4xi64>) -> tensor<?x?x{split}xf32>
  %y = cim.digital "ReduceSum"(%s, %axes) with {{keepdims = 0 : i64}}
       : (tensor<?x?x{split}xf32>, tensor<1xi64>) -> tensor<?x?x{width}xf32>
  func.return {returned}
}}
}}"""


def network(axis: int = -2, zero: bool = False, product: bool = False, sizes: tuple[int, int] = (3, 5)) -> Network:
    """The sum of products by groups; `product` is an output of the network, too."""
    width = sizes[1] if axis in (-2, 2) else sizes[0]
    y = f"tensor<?x?x{width}xf32>"
    text = TEXT.format(
        sizes=f"{sizes[0]}, {sizes[1]}",
        split=f"{sizes[0]}x{sizes[1]}",
        axis=axis,
        width=width,
        types=f"{y}, tensor<?x?x15xf32>" if product else y,
        returned=f"%y, %p : {y}, tensor<?x?x15xf32>" if product else f"%y : {y}",
    )
    store = WeightStore()
    net = Network(Parser(make_context(store), text).parse_module(), store)
    net.add_weight(weight_op("w.scale", SCALES, store))
    if zero:
        net.add_weight(weight_op("w.zero", np.arange(15, dtype=np.int32), store))
    affine = AffineAttr(SymbolRefAttr("w.scale"), SymbolRefAttr("w.zero") if zero else NoneType())
    net.add_weight(weight_op("w", VALUES, store, affine, BlockDiagonalAttr.of(VALUES.shape, "block_diagonal")))
    return net


def quantised(net: Network) -> Network:
    context = make_context(net.store)
    QuantizePass().apply(context, net.module)
    net.module.verify()
    return Network.of(context, net.module)


@pytest.mark.parametrize("axis", [-2, 2])
def test_what_is_done_once_after_the_sum(axis: int) -> None:
    """Of what there is for each group only the conversion and the scale are left."""
    net = quantised(network(axis))
    (y,) = run_graph(network_model(net), {"x": X}).values()
    expected = np.einsum("btgr,grc,gc->btc", X.reshape(2, 7, 3, 4), VALUES.astype(float), SCALES.reshape(3, 5))
    np.testing.assert_allclose(y, expected, atol=0.01 * np.abs(expected).max())
    wide = [
        op.op_type.data
        for op in net.ops
        if isinstance(op, DigitalOp) and (shape_of(op.outputs[0].type) or ())[-1:] == (15,)
    ]
    assert wide == ["Cast", "Mul"]


@pytest.mark.parametrize("settings", [{"axis": -1}, {"zero": True}, {"product": True}, {"sizes": (5, 3)}])
def test_what_is_no_sum_of_groups(settings: dict[str, Any]) -> None:
    net = network(**settings)
    (matmul,) = [op for op in net.ops if isinstance(op, MatmulOp)]
    assert summed_groups(matmul, net) is None


def test_the_weight_of_a_sum() -> None:
    net = network()
    (matmul,) = [op for op in net.ops if isinstance(op, MatmulOp)]
    groups = summed_groups(matmul, net)
    assert groups is not None
    np.testing.assert_array_equal(groups.weight.scales, SCALES.reshape(3, 5))
    np.testing.assert_array_equal(groups.weight.sums, VALUES.sum(axis=1))
    assert (groups.split.op_type.data, groups.total.op_type.data) == ("Reshape", "ReduceSum")
