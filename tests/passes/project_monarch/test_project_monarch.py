"""Projection: the factors are the closed form's, the note tells their error, and shared weights stay shared."""

from pathlib import Path

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import MatmulOp, weight_op
from dialects.element_types import Array
from dialects.errors import UserError
from dialects.network import Network, main_block, weights_of
from dialects.notes import layer_notes
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import store_of
from passes.project_monarch.project_monarch import ProjectMonarchPass

GENERATOR = np.random.default_rng(0)


def network(w: Array, products: int = 1) -> tuple[Context, ModuleOp]:
    """`x` times `@w` so many times, each an output."""
    ctx = make_context()
    x, y = (f"tensor<?x{size}xf32>" for size in w.shape)
    lines = [f'%y{i} = cim.matmul %x, @w : {x} -> {y} loc("/fc{i}")' for i in range(products)]
    names, kinds = ", ".join(f"%y{i}" for i in range(products)), ", ".join([y] * products)
    body = "\n".join([*lines, f"func.return {names} : {kinds}"])
    text = f'func.func @main(%x: {x} {{cim.name = "x"}}) -> ({kinds}) {{\n{body}\n}}'
    module = Parser(ctx, text).parse_module()
    Network.of(ctx, module).add_weight(weight_op("w", w, store_of(ctx)))
    return ctx, module


@pytest.mark.parametrize("shape", [(12, 20), (20, 12), (16, 16), (13, 17)])
@pytest.mark.parametrize("blocks", [3, 4, "paper"])
def test_the_note_tells_the_error_of_the_network(shape: tuple[int, int], blocks: int | str) -> None:
    """On unit vectors the network gives the matrix that its factors make."""
    w = GENERATOR.standard_normal(shape).astype(np.float32)
    ctx, module = network(w)
    ProjectMonarchPass(blocks).apply(ctx, module)
    module.verify()
    (found,) = run_graph(network_model(Network.of(ctx, module)), {"x": np.eye(shape[0], dtype=np.float32)}).values()
    (note,) = layer_notes(module)
    assert note["node"] == "/fc0"
    assert note["weight_error"] == pytest.approx(np.linalg.norm(found - w) / np.linalg.norm(w), rel=1e-4)


def test_a_shared_weight_stays_shared() -> None:
    ctx, module = network(GENERATOR.standard_normal((12, 20)).astype(np.float32), products=2)
    ProjectMonarchPass(4).apply(ctx, module)
    used = [op.symbol for op in main_block(module).ops if isinstance(op, MatmulOp)]
    assert used == ["w.monarch1", "w.monarch2"] * 2
    assert [note["node"] for note in layer_notes(module)] == ["/fc0", "/fc1"]


@pytest.mark.parametrize("shape", [(1, 20), (20, 1)])
def test_vectors_are_left_alone(shape: tuple[int, int]) -> None:
    ctx, module = network(np.ones(shape, np.float32))
    ProjectMonarchPass(2).apply(ctx, module)
    assert list(weights_of(module)) == ["w"]
    assert layer_notes(module) == []


def test_a_layer_smaller_than_the_blocks() -> None:
    ctx, module = network(np.ones((20, 3), np.float32))
    ProjectMonarchPass(4).apply(ctx, module)
    assert list(weights_of(module)) == ["w"]
    assert layer_notes(module) == [{"node": "/fc0", "monarch": "left dense: 4 blocks do not fit a weight of 20x3"}]


def test_calibration_inputs_are_demanded_by_name(tmp_path: Path) -> None:
    ctx, module = network(np.ones((12, 20), np.float32))
    np.savez(tmp_path / "x.npz", z=np.ones((4, 12), np.float32))
    with pytest.raises(UserError) as error:
        ProjectMonarchPass(4, calibration=str(tmp_path / "x.npz")).apply(ctx, module)
    assert str(error.value) == f"{tmp_path / 'x.npz'}: no array for input 'x': expected x"
