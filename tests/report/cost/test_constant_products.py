"""Operators that multiply by constant weights, found in the kernels of a program."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cimc.compiler import Compilation
from cimc.program.metadata import Kernel
from cimc.program.program import Program
from cimc.report.cost.constant_products import Origin, constant_products

Found = list[tuple[str, list[tuple[int, Origin]], tuple[str, ...]]]


@pytest.fixture
def products(handmade: Program) -> Callable[..., Found]:
    """What is found in a program with the kernels of these graphs, the first value of one being that of the next."""

    def of(*graphs: str, **constants: np.ndarray[Any, Any]) -> Found:
        kernels: list[Kernel] = []
        for number, graph in enumerate(graphs):
            text = f'<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> {graph}'
            model = onnx.parser.parse_model(text)
            model.graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in constants.items())
            kernels.append(Kernel(model.SerializeToString(), (number,), (number + 1,)))
        records = handmade.instructions[handmade.instructions["op"] == 1][: len(graphs)]
        records["k"] = range(len(graphs))
        program = replace(handmade, kernels=kernels, instructions=records)
        return [
            (product.node.name, [(i, known.origin) for i, known in product.weights.items()], product.around)
            for product in constant_products(program)
        ]

    return of


W = np.ones((4, 4), np.float32)


def test_weights_as_they_are_and_computed(products: Callable[..., Found]) -> None:
    graph = """g (float[n,4] v0) => (float[n,4] v1) {
        t = Transpose(w) [right] a = MatMul(v0, w) [left] b = MatMul(t, a)
        [none] c = MatMul(a, b) [folded] d = MatMul(w, t)
        s = Shape(v0) e = Expand(d, s) [late] v1 = MatMul(c, e) }"""
    assert products(graph, w=W) == [
        ("right", [(1, Origin.STORED)], ()),
        ("left", [(0, Origin.COMPUTED)], ()),
        ("late", [(1, Origin.COMPUTED)], ()),
    ]


def test_weights_that_are_chosen_and_tables_of_vectors(products: Callable[..., Found]) -> None:
    graph = """g (int64[1] v0) => (float[n,4] v1) {
        expert = Gather(stack, v0)  one = Squeeze(expert)  x = Gather(w, v0)
        [chosen] y = MatMul(x, one) [dense] z = MatMul(y, w) [none] v1 = MatMul(x, y) }"""
    assert products(graph, w=W, stack=np.ones((3, 4, 4), np.float32)) == [
        ("chosen", [(1, Origin.CHOSEN)], ()),
        ("dense", [(1, Origin.STORED)], ()),
    ]


def test_weights_from_an_earlier_kernel(products: Callable[..., Found]) -> None:
    first = "g (float[4,4] v0) => (float[4,4] v1) { v1 = Neg(w) }"
    then = "g (float[4,4] v1) => (float[4,4] v2) { [twice] v2 = MatMul(v1, v1) }"
    data = "g (float[4,4] v1, float[4,4] v0) => (float[4,4] v2) { x = Random(v0) [by] v2 = MatMul(v0, v1) }"
    assert products(first, then, w=W) == []
    assert products(first, data, w=W) == [("by", [(1, Origin.COMPUTED)], ())]


def test_weights_in_bodies_at_any_depth(products: Callable[..., Found]) -> None:
    graph = """g (bool v0) => (float[2,4] v1) {
        v1 = If (v0) <then_branch = t () => (float[2,4] p) { p = If (v0) <
            then_branch = u () => (float[2,4] q) { [inner] q = MatMul(x, w) },
            else_branch = v () => (float[2,4] r) {
                k = Constant <value = float[4,4] {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}> ()
                [own] r = MatMul(v1, k) }> },
        else_branch = e () => (float[2,4] s) { [outer] s = Gemm(v1, w) }> }"""
    assert products(graph, w=W) == [
        ("inner", [(1, Origin.STORED)], ("If", "If")),
        ("own", [(1, Origin.STORED)], ("If", "If")),
        ("outer", [(1, Origin.STORED)], ("If",)),
    ]


@pytest.mark.parametrize(
    ("node", "operands"),
    [
        ("y = LSTM <hidden_size = 4> (v0, r, r)", [1, 2]),
        ('y = Einsum <equation = "ij,jk->ik"> (v0, w)', [1]),
        ("y = com.microsoft.QAttention (v0, w)", [1]),
        ("y = ConvInteger (v0, r)", [1]),
        ("y = Add (v0, w)", []),
        ("y = Where (v0, w, w)", []),
    ],
)
def test_operators(node: str, operands: list[int], products: Callable[..., Found]) -> None:
    found = products(f"g (float[2,4] v0) => (float y) {{ [it] {node} }}", w=W, r=np.ones((1, 16, 4), np.float32))
    assert found == ([("it", [(i, Origin.STORED) for i in operands], ())] if operands else [])


def test_a_real_program(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> None:
    """A weight of int32, which is kept once for all kernels, and its size."""
    constants: Mapping[str, Any] = {"w": np.ones((7, 40, 40), np.int32)}
    text = "g (int32[7,2,40] x) => (int32[7,2,40] y) { [it] y = MatMul(x, w) }"
    (product,) = constant_products(compiled(onnx_file(text, constants)).program)
    assert (product.node.name, product.elements, product.weights[1].shape) == ("it", 7 * 1600, (7, 40, 40))
