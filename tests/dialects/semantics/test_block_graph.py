"""Products of blocks as nodes: the shapes that split and join vectors, and the numbers."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from dialects.attributes.structure import MONARCH, BlockDiagonalAttr
from dialects.semantics.block_graph import block_product_nodes, joined_shape, split_shape
from dialects.semantics.onnx_runtime import run_graph


@pytest.mark.parametrize("leading", [0, 1, 2])
def test_shapes(leading: int) -> None:
    structure = BlockDiagonalAttr.of((3, 4, 5), MONARCH)
    assert split_shape(structure, leading) == [0] * leading + [3, 1, 4]
    assert joined_shape(structure, leading) == [0] * leading + [15]


@pytest.mark.parametrize("vectors", [(2,), (2, 3)])
def test_each_block_multiplies_its_part(vectors: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    structure = BlockDiagonalAttr.of((3, 2, 4), MONARCH)
    blocks = rng.integers(-3, 4, (3, 2, 4)).astype(np.float32)
    x = rng.integers(-3, 4, (*vectors, 6)).astype(np.float32)
    shapes = {"split": split_shape(structure, len(vectors)), "joined": joined_shape(structure, len(vectors))}
    nodes = block_product_nodes("MatMul", "x", ["w"], ("split", "joined"), "y", ("s", "p"), "/fc")
    assert [(node.op_type, node.name) for node in nodes] == [
        ("Reshape", "/fc split"),
        ("MatMul", "/fc"),
        ("Reshape", "/fc join"),
    ]
    constants = [numpy_helper.from_array(blocks, "w")]
    constants += [numpy_helper.from_array(np.array(shape, np.int64), name) for name, shape in shapes.items()]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    expected = np.concatenate([x[..., 2 * i : 2 * i + 2] @ blocks[i] for i in range(3)], axis=-1)
    assert run_graph(model, {"x": x})["y"].tolist() == expected.tolist()
