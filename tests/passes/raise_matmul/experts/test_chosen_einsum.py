"""Sums of products with chosen weights, in every order of letters, against ONNX Runtime."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[Any]
Raised = Callable[..., Any]
GENERATOR = np.random.default_rng(0)
node = helper.make_node
SIZES = {"t": 3, "e": 2, "k": 4, "n": 5, "m": 2, "s": 3}
EQUATIONS = (
    "tk,tekn->ten",
    "tekn,tk->ten",
    "tenk,tk->ten",
    "tek,tekn->tn",
    "tkm,tekn->ntem",
    "smtk,tekn->tmsen",
    "ek,tekn->ten",
)


def whole(*shape: int) -> Array:
    return GENERATOR.integers(-8, 8, shape).astype(np.float32)


def network_of(equation: str, raised: Raised, opset: int = 17) -> Any:
    """The network of an equation whose weight, the term of four letters that has `n`, is chosen by two of them."""
    terms = equation.split("->")[0].split(",")
    is_left = "n" in terms[0]
    weight, x = (terms[0], terms[1]) if is_left else (terms[1], terms[0])
    stack, shape = whole(6, *(SIZES[letter] for letter in weight[2:])), [SIZES[letter] for letter in x]
    index = GENERATOR.integers(0, 6, [SIZES[letter] for letter in weight[:2]])
    nodes = [
        node("ReduceSum", ["x"], ["sum"], keepdims=0),
        node("Cast", ["sum"], ["moved"], to=7),
        node("Add", ["index", "moved"], ["far"]),
        node("Mod", ["far", "count"], ["chosen"]),
        node("Gather", ["w", "chosen"], ["c"]),
        node("Einsum", ["c", "x"] if is_left else ["x", "c"], ["y"], equation=equation),
    ]
    constants = {"w": stack, "index": index, "count": np.array(6)}
    return raised(nodes, whole(*shape), constants, [f"d{i}" for i in range(len(shape))], opset)


@pytest.mark.parametrize("opset", [12, 17])
@pytest.mark.parametrize("equation", EQUATIONS)
def test_equations(equation: str, opset: int, raised: Raised) -> None:
    network = network_of(equation, raised, opset)
    assert "Einsum" not in network.operators
    assert len(network.weights) == 6
    assert np.array_equal(network.before, network.after)


@pytest.mark.parametrize("equation", ["tk,tekn->tkn", "tk,tekn->te", "tkk,tekn->ten", "tk,tekn"])
def test_what_stays(equation: str, raised: Raised) -> None:
    """Nothing is summed over, or everything, or a diagonal is taken, or the result is not written out."""
    network = network_of(equation, raised)
    assert "Einsum" in network.operators
    assert network.weights == []
