"""Float weights are quantised once each, as asked for, and what that loses is noted."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import StringAttr
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.attributes.structure import REPEATED, BlockDiagonalAttr, BlocksAttr, RectanglesAttr
from dialects.cim import MatmulOp, weight_op
from dialects.network import Network
from dialects.notes import LayerNotes, layer_notes
from dialects.weights import WeightStore
from passes.quantize.analysis.choices import FULL, Resolution
from passes.quantize.analysis.quantization import Quantised, quantised
from passes.quantize.float_weights import NAMES, FloatWeights, Source, StoredIntegers
from passes.rewriting.digital import DigitalBuilder

Array = NDArray[Any]
GENERATOR = np.random.default_rng(1)


def network(w: Array, structure: BlockDiagonalAttr | BlocksAttr | None = None) -> tuple[Network, list[MatmulOp]]:
    """Two multiplications by `@w`, which can be made once more."""
    store = WeightStore()
    rows, columns = w.shape if w.ndim == 2 else (w.shape[0] * w.shape[1], w.shape[0] * w.shape[2])
    text = f"""
func.func @main(%x: tensor<?x{rows}xf32>) -> (tensor<?x{columns}xf32>, tensor<?x{columns}xf32>) {{
  %y = cim.matmul %x, @w : tensor<?x{rows}xf32> -> tensor<?x{columns}xf32> loc("first")
  %z = cim.matmul %x, @w : tensor<?x{rows}xf32> -> tensor<?x{columns}xf32> loc("second")
  func.return %y, %z : tensor<?x{columns}xf32>, tensor<?x{columns}xf32>
}}"""
    network = Network(Parser(make_context(store), text).parse_module(), store)
    network.add_weight(weight_op("w", w, store, structure=structure, again=lambda: w))
    return network, [op for op in network.ops if isinstance(op, MatmulOp)]


def stored(
    w: Array, how: Resolution, structure: BlockDiagonalAttr | BlocksAttr | None = None
) -> tuple[Network, StoredIntegers]:
    net, (matmul, _) = network(w, structure)
    weights = FloatWeights(net, how, LayerNotes(*NAMES))
    return net, weights.stored(DigitalBuilder(net, matmul), matmul)


def floats(*shape: int) -> Array:
    return GENERATOR.standard_normal(shape).astype(np.float32)


def test_a_weight_is_quantised_once_and_noted_of_each_multiplication() -> None:
    w = floats(7, 40)
    net, matmuls = network(w)
    notes = LayerNotes(*NAMES)
    weights = FloatWeights(net, Resolution(4, 3), notes)
    first, second = (weights.stored(DigitalBuilder(net, matmul), matmul) for matmul in matmuls)
    assert first is second
    notes.write(net.module)
    made = quantised(w, Resolution(4, 3))
    errors = {"quantisation_error": made.error, "largest_scale_error": made.largest_error}
    said = {"weight_bits": 4, "weight_group": 3, **errors}
    assert [dict(note) for note in layer_notes(net.module)] == [{"node": node, **said} for node in ("first", "second")]
    assert 0 < made.error < made.largest_error


def test_nothing_is_said_of_8_bits_and_a_scale_for_each_column() -> None:
    net, (matmul, _) = network(floats(4, 3))
    notes = LayerNotes(*NAMES)
    weights = FloatWeights(net, FULL, notes)
    assert weights.stored(DigitalBuilder(net, matmul), matmul).symbol == "w.int8"
    notes.write(net.module)
    assert layer_notes(net.module) == []


def test_each_weight_may_have_bits_of_its_own() -> None:
    w = floats(20, 40)
    net, (matmul, _) = network(w)
    weights = FloatWeights(net, FULL, LayerNotes(*NAMES), {"w": Resolution(2), "v": Resolution(3)})
    integers = weights.stored(DigitalBuilder(net, matmul), matmul)
    assert integers.symbol == "w.int2"
    assert set(net.array("w.int2").reshape(-1).tolist()) == {-2, -1, 0, 1}


def test_another_way_of_rounding() -> None:
    """It says what it has no better way for, and what it made is kept: nobody can make it again."""
    w = floats(300, 300)

    def down(symbol: str, source: Source) -> Quantised | None:
        assert (symbol, source.tied, source.groups) == ("w", None, 1)
        made = quantised(source.floats, source.how)
        lower = np.maximum(made.values - 1, -8).astype(np.int8)
        return Quantised(lower, made.grid, 0.5, made.largest_error)

    net, (matmul, _) = network(w)
    weights = FloatWeights(net, Resolution(4), LayerNotes(*NAMES), rounding=down)
    weights.stored(DigitalBuilder(net, matmul), matmul)
    expected = np.maximum(quantised(w, Resolution(4)).values - 1, -8)
    assert np.array_equal(net.array("w.int4"), expected)
    assert net.weight("w.int4").again(net.store) is None

    net, (matmul, _) = network(w)
    weights = FloatWeights(net, Resolution(4), LayerNotes(*NAMES), rounding=nothing_better)
    weights.stored(DigitalBuilder(net, matmul), matmul)
    assert np.array_equal(net.array("w.int4"), quantised(w, Resolution(4)).values)


def nothing_better(symbol: str, source: Source) -> None:
    """No way of rounding."""


@pytest.mark.parametrize("group", [None, 80, 101])
def test_integers_can_be_made_again(group: int | None) -> None:
    net, integers = stored(floats(303, 300), Resolution(3, group))
    again = net.weight(integers.symbol).again(net.store)
    assert again is not None
    assert np.array_equal(again(), net.array(integers.symbol))
    assert integers.groups == (1 if group is None else -(-303 // group))
    assert (integers.rows is not None) == (group == 80)


def test_groups_of_the_blocks_of_a_matrix() -> None:
    """Each block is cut for itself; a group longer than all blocks changes nothing."""
    table = RectanglesAttr.of(np.array([[0, 0, 4, 2], [4, 2, 3, 3]]))
    w = np.zeros((7, 5), np.float32)
    w[:4, :2], w[4:, 2:] = floats(4, 2), floats(3, 3)
    structure = BlocksAttr(StringAttr("block_diagonal"), table)
    net, integers = stored(w, Resolution(4, 2), structure)
    weight = net.weight(integers.symbol)
    assert isinstance(weight.structure, BlocksAttr)
    parts = [[0, 0, 2, 2], [2, 5, 2, 2], [4, 2, 2, 3], [6, 7, 1, 3]]
    assert weight.structure.rectangles.tolist() == parts
    assert net.array(integers.symbol).shape == (7, 10)
    assert integers.sums.tolist() == net.array(integers.symbol).sum(0, dtype=np.int32).reshape(2, 5).tolist()
    net, integers = stored(w, Resolution(4, 4), structure)
    assert net.weight(integers.symbol).structure == structure
    assert np.array_equal(net.array(integers.symbol), quantised(w, Resolution(4)).values)


def test_groups_of_equal_blocks_stay_equal() -> None:
    block = floats(6, 2)
    w = np.zeros((6, 5), np.float32)
    w[:, :2], w[:, 3:], w[:, 2:3] = block, block, floats(6, 1)
    table = RectanglesAttr.of(np.array([[0, 0, 6, 2], [0, 2, 6, 1], [0, 3, 6, 2]]))
    net, integers = stored(w, Resolution(2, 3), BlocksAttr(StringAttr(REPEATED), table))
    values = net.array(integers.symbol)
    assert integers.groups == 2
    for group in (0, 5):
        assert np.array_equal(values[:, group : group + 2], values[:, group + 3 : group + 5])
    assert np.array_equal(integers.scales[:, :2], integers.scales[:, 3:])
