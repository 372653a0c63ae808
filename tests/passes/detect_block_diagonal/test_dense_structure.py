"""Dense weights that have structure: the same numbers from fewer stored weights, whatever the order and the scale."""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.hardware.library import load_chip
from cimc.universe import make_context
from dialects.attributes.cim_attributes import AffineAttr
from dialects.cim import MatmulOp, PermuteOp, WeightOp, weight_op
from dialects.element_types import Array
from dialects.hardware import MODULE_KEY
from dialects.network import Network
from dialects.notes import LayerNotes, layer_notes
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.detect_block_diagonal.dense_structure import StructureDense
from passes.rewriting.patterns import rewrite
from passes.rewriting.sweep import sweep

GENERATOR = np.random.default_rng(0)
BLOCKS = np.kron(np.eye(2), np.ones((2, 3))) * GENERATOR.integers(1, 10, (4, 6))


def network_of(values: Array, scale: Array | None = None, zero: Array | None = None, x: str = "") -> Network:
    """A network that multiplies float32 vectors by `values`; with `scale`, they are integers."""
    context = make_context(WeightStore())
    rows, columns = values.shape
    x = x or f"tensor<?x{rows}xf32>"
    y = x.replace(f"x{rows}x", f"x{columns}x")
    text = f"""func.func @main(%x: {x} {{cim.name = "x"}}) -> {y} {{
      %y = cim.matmul %x, @w : {x} -> {y} loc("/fc")
      func.return %y : {y}
    }}"""
    module = Parser(context, text).parse_module()
    module.attributes[MODULE_KEY] = load_chip("tiny-4")
    network = Network.of(context, module)
    affine = None if scale is None else AffineAttr.of("scale", None if zero is None else "zero")
    network.add_weight(weight_op("w", values, network.store, affine))
    for symbol, array in (("scale", scale), ("zero", zero)):
        if array is not None:
            network.add_weight(weight_op(symbol, array, network.store))
    return network


def outputs(network: Network, rows: int) -> Array:
    network.module.verify()
    x = np.random.default_rng(1).integers(-4, 5, (3, rows)).astype(np.float32)
    return next(iter(run_graph(network_model(network), {"x": x}).values()))


def structured(network: Network, prune_below: float = 0.0) -> WeightOp | None:
    """The weight that the network multiplies by afterwards, with the same outputs; None if it was left as it is."""
    rows, _ = network.weight("w").matrix_shape
    before = outputs(network, rows)
    notes = LayerNotes("almost")
    changed = rewrite(network.body, StructureDense(network, prune_below, notes))
    notes.write(network.module)
    if not changed:
        return None
    sweep(network)
    if prune_below == 0:
        np.testing.assert_allclose(outputs(network, rows), before, rtol=1e-5, atol=1e-5)
    return next(network.weight(op.symbol) for op in network.body if isinstance(op, MatmulOp))


def shuffled(matrix: Array) -> Array:
    return matrix[GENERATOR.permutation(matrix.shape[0])][:, GENERATOR.permutation(matrix.shape[1])]


def test_equal_blocks_in_any_order_are_a_tensor_of_blocks() -> None:
    weight = structured(network_of(shuffled(BLOCKS).astype(np.float32)))
    assert weight is not None
    assert (weight.kind, weight.tensor_type.get_shape()) == ("block_diagonal", (2, 2, 3))


def test_blocks_of_different_shapes_are_a_matrix_with_a_table() -> None:
    matrix = np.zeros((5, 5), np.float32)
    matrix[:2, :3], matrix[2:, 3:] = 1, 2
    weight = structured(network_of(shuffled(matrix)))
    assert weight is not None
    assert weight.tensor_type.get_shape() == (5, 5)
    assert weight.structure is not None
    assert sorted(size for *_, size in weight.structure.rectangles[:, 2:].tolist()) == [2, 3]


def test_rows_and_columns_of_zeros_are_not_stored() -> None:
    matrix = np.zeros((6, 8), np.float32)
    matrix[1:5, 2:8] = BLOCKS
    weight = structured(network_of(matrix))
    assert weight is not None
    assert weight.matrix_shape == (4, 6)


def test_the_scale_moves_with_its_columns() -> None:
    """And the zero point becomes part of the numbers."""
    zero = np.array([1, 2, 3, 4, 5, 6], np.int32)
    values = (shuffled(BLOCKS) + zero).astype(np.int8)
    scale = 2.0 ** np.arange(6, dtype=np.float32)
    weight = structured(network_of(values, scale, zero))
    assert weight is not None
    assert weight.affine is not None
    assert weight.affine.zero_point_symbol is None
    assert weight.kind == "block_diagonal"


def test_a_zero_point_that_int8_has_no_room_for() -> None:
    values = np.full((4, 6), -128, np.int8)
    values[0] = 127
    assert structured(network_of(values, np.ones(6, np.float32), np.full(6, 5, np.int32))) is None


def circulant(blocks: Array) -> Array:
    """[count, rows, columns] -> block (i, j) is number i - j."""
    count = len(blocks)
    return np.block([[blocks[(i - j) % count] for j in range(count)] for i in range(count)])


@pytest.mark.parametrize("x", ["", "tensor<?x3x?x12xf32>"])
def test_blocks_that_repeat_stay_where_they_are(x: str) -> None:
    network = network_of(circulant(GENERATOR.standard_normal((3, 4, 4)).astype(np.float32)), x=x)
    weight = structured(network) if not x else None
    if x:
        assert rewrite(network.body, StructureDense(network, 0.0, LayerNotes("almost")))
        weight = network.weight("w.blocks")
    assert weight is not None
    assert (weight.kind, weight.matrix_shape) == ("repeated", (12, 12))
    assert weight.structure is not None
    assert len(weight.structure.rectangles) == 9
    assert not any(isinstance(op, PermuteOp) for op in network.body)


def test_integers_that_repeat_about_their_zero_point() -> None:
    zero, scale = np.full(12, 5, np.int32), 2.0 ** np.arange(12, dtype=np.float32)
    values = (circulant(GENERATOR.integers(-9, 9, (3, 4, 4))) + 5).astype(np.int8)
    weight = structured(network_of(values, scale, zero))
    assert weight is not None
    assert weight.kind == "repeated"
    assert weight.affine is not None
    assert (weight.affine.scale_symbol, weight.affine.zero_point_symbol) == ("scale", None)


def test_a_band_becomes_blocks_along_the_diagonal() -> None:
    matrix = GENERATOR.standard_normal((40, 40)).astype(np.float32)
    network = network_of(np.triu(np.tril(matrix, 2), -2))
    weight = structured(network)
    assert weight is not None
    assert (weight.kind, weight.matrix_shape) == ("banded", (40, 40))
    assert weight.structure is not None
    assert weight.structure.rectangles[:, 2:].prod(axis=1).sum() < 400


def test_an_exact_product_of_two_factors() -> None:
    matrix = np.array(
        [
            [1, 1, 2, 3, 3, 5, 4, 7],
            [2, 2, 4, 6, 6, 10, 8, 14],
            [-1, -1, 0, 1, 1, 3, 2, 5],
            [-3, -3, 0, 3, 3, 9, 6, 15],
        ],
        np.float32,
    )
    network = network_of(matrix)
    weight = structured(network)
    assert weight is not None
    assert weight.kind == "monarch"
    assert sum(isinstance(op, MatmulOp) for op in network.body) == 2


def test_columns_that_need_the_same_rows_are_stored_together() -> None:
    matrix = np.zeros((32, 32), np.float32)
    for group in range(8):
        rows = np.array([0, group + 1, group + 9, group + 17])
        matrix[np.ix_(rows, np.arange(group, 32, 8))] = GENERATOR.integers(1, 9, (4, 4))
    network = network_of(matrix)
    weight = structured(network)
    assert weight is not None
    assert weight.kind == "sparse"
    assert weight.structure is not None
    assert weight.structure.rectangles[:, 2:].tolist() == [[4, 4]] * 8
    assert sum(isinstance(op, PermuteOp) for op in network.body) == 2


@pytest.mark.parametrize("matrix", [GENERATOR.integers(1, 99, (4, 6)).astype(np.float32), np.zeros((4, 6), np.float32)])
def test_weights_without_structure(matrix: Array) -> None:
    network = network_of(matrix)
    assert structured(network) is None
    assert len(network.body) == 1
    assert layer_notes(network.module) == []


def test_vectors_of_unknown_rank() -> None:
    assert structured(network_of(BLOCKS.astype(np.float32), x="tensor<*xf32>")) is None


def test_small_numbers_are_cut_off_where_that_is_allowed() -> None:
    matrix = (BLOCKS + 1e-3).astype(np.float32)
    network = network_of(matrix)
    assert structured(network) is None
    (note,) = layer_notes(network.module)
    assert list(note) == ["node", "almost"]
    assert note["node"] == "/fc"
    weight = structured(network_of(matrix), prune_below=0.01)
    assert weight is not None
    assert weight.kind == "block_diagonal"
    assert structured(network_of(matrix), prune_below=100.0) is None


def test_what_is_small_is_what_is_small_when_scaled() -> None:
    values = (10 * BLOCKS + 1).astype(np.int8)
    assert structured(network_of(values, np.full(6, 0.01, np.float32)), prune_below=0.02) is not None
    assert structured(network_of(values, np.ones(6, np.float32)), prune_below=0.02) is None
