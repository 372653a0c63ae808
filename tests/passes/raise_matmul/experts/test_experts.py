"""Products with weights that an index chooses, against ONNX Runtime, with numbers whose sums are exact in any order."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, helper

Array = NDArray[Any]
Raised = Callable[..., Any]
GENERATOR = np.random.default_rng(0)
STACK = GENERATOR.integers(-8, 8, (5, 4, 3)).astype(np.float32)
BYTES = GENERATOR.integers(-128, 128, (5, 4, 3)).astype(np.int8)
SCALES = 2.0 ** GENERATOR.integers(-3, 3, (5, 1, 3)).astype(np.float32)
node = helper.make_node


def whole(*shape: int) -> Array:
    return GENERATOR.integers(-8, 8, shape).astype(np.float32)


def gate() -> list[NodeProto]:
    """Nodes that choose one of five experts for each vector of `x`, by its numbers."""
    return [
        node("ReduceSum", ["x", "last"], ["sum"], keepdims=0),
        node("Cast", ["sum"], ["whole"], to=7),
        node("Mod", ["whole", "count"], ["index"]),
    ]


CONSTANTS = {"last": np.array([-1]), "count": np.array(5)}
WEIGHTS: dict[str, tuple[list[NodeProto], dict[str, Array]]] = {
    "a stack": ([node("Gather", ["w", "index"], ["c"])], {"w": STACK}),
    "a stack that is turned before": (
        [node("Transpose", ["w"], ["t"], perm=[0, 2, 1]), node("Gather", ["t", "index"], ["c"])],
        {"w": np.ascontiguousarray(STACK.transpose(0, 2, 1))},
    ),
    "a stack that is turned after": (
        [node("Gather", ["w", "index"], ["t"]), node("Transpose", ["t"], ["c"], perm=[0, 1, 3, 2])],
        {"w": np.ascontiguousarray(STACK.transpose(0, 2, 1))},
    ),
    "what torch writes": (
        [node("Unsqueeze", ["index", "last"], ["indices"]), node("GatherND", ["w", "indices"], ["c"])],
        {"w": STACK},
    ),
    "integers that are scaled before": (
        [node("Cast", ["w"], ["f"], to=1), node("Mul", ["f", "s"], ["m"]), node("Gather", ["m", "index"], ["c"])],
        {"w": BYTES, "s": SCALES},
    ),
    "integers that are scaled after": (
        [
            node("Gather", ["w", "index"], ["g"]),
            node("Gather", ["s", "index"], ["scale"]),
            node("Unsqueeze", ["scale", "middle"], ["u"]),
            node("Cast", ["g"], ["f"], to=1),
            node("Mul", ["f", "u"], ["c"]),
        ],
        {"w": BYTES, "s": SCALES[:, 0], "middle": np.array([2])},
    ),
    "integers that are dequantised before": (
        [node("DequantizeLinear", ["w", "s", "z"], ["m"], axis=0), node("Gather", ["m", "index"], ["c"])],
        {"w": BYTES, "s": SCALES[:, 0, 0], "z": np.array([1, 2, 3, -4, 0], np.int8)},
    ),
    "integers that are dequantised after": (
        [node("Gather", ["w", "index"], ["g"]), node("DequantizeLinear", ["g", "s"], ["c"], axis=-1)],
        {"w": BYTES, "s": SCALES[0, 0]},
    ),
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("tokens", [6, 0])
def test_weights_that_are_chosen(name: str, tokens: int, raised: Raised) -> None:
    """All experts are weights, with their own integers."""
    nodes, constants = WEIGHTS[name]
    rows = [node("Unsqueeze", ["x", "row"], ["r"]), node("MatMul", ["r", "c"], ["y"])]
    network = raised(
        [*gate(), *nodes, *rows], whole(2, tokens, 4), {**CONSTANTS, **constants, "row": np.array([2])}, ["b", "t", 4]
    )
    network.check()
    assert "MatMul" not in network.operators
    assert len(network.weights) == 5
    if "integers" in name:
        assert all(weight.affine is not None for weight in network.weights)


@pytest.mark.parametrize("opset", [13, 17])
@pytest.mark.parametrize("is_left", [False, True])
@pytest.mark.parametrize("vectors", [(6, 1), (2, 3), (1, 2)])
def test_places_of_the_weight(vectors: tuple[int, int], is_left: bool, opset: int, raised: Raised) -> None:
    """An index of its own for each row of `x`, and several vectors for each: right and left products."""
    tokens, count = vectors
    stack = np.ascontiguousarray(STACK.transpose(0, 2, 1)) if is_left else STACK
    chosen = [
        node("ReduceSum", ["x", "both"], ["sum"], keepdims=0),
        node("Cast", ["sum"], ["whole"], to=7),
        node("Mod", ["whole", "count"], ["index"]),
        node("Gather", ["w", "index"], ["c"]),
        node("MatMul", ["c", "x"] if is_left else ["x", "c"], ["y"]),
    ]
    x = whole(tokens, 4, count) if is_left else whole(tokens, count, 4)
    constants = {"w": stack, "both": np.array([-1, -2]), "count": np.array(5)}
    dims = ["t", 4, "n"] if is_left else ["t", "n", 4]
    network = raised(chosen, x, constants, dims, opset)
    network.check()
    assert len(network.weights) == 5


@pytest.mark.parametrize("is_left", [False, True])
def test_one_vector_for_several_experts(is_left: bool, raised: Raised) -> None:
    """`x` has no dimensions in front: each expert that is chosen multiplies it. Numbers below 0 count from the end."""
    stack = np.ascontiguousarray(STACK.transpose(0, 2, 1)) if is_left else STACK
    chosen = [
        node("Cast", ["x"], ["whole"], to=7),
        node("Mod", ["whole", "count"], ["index"]),
        node("Sub", ["index", "count"], ["negative"]),
        node("Gather", ["w", "negative"], ["c"]),
        node("MatMul", ["c", "x"] if is_left else ["x", "c"], ["y"]),
    ]
    network = raised(chosen, whole(4), {"w": stack, "count": np.array(5)})
    assert np.array_equal(network.before, network.after)
    assert len(network.weights) == 5


def test_tables_stay(raised: Raised) -> None:
    """Rows of a table that are gathered, and multiplied among themselves, are no experts."""
    nodes = [
        *gate(),
        node("Gather", ["w", "index"], ["g"]),
        node("Transpose", ["g"], ["t"], perm=[1, 0]),
        node("MatMul", ["g", "t"], ["m"]),
        node("MatMul", ["x", "v"], ["p"]),
        node("MatMul", ["m", "p"], ["y"]),
    ]
    network = raised(nodes, whole(6, 4), {**CONSTANTS, "w": STACK[0, :, :].repeat(2, 0)[:5], "v": STACK[1]})
    assert network.operators.count("MatMul") == 2
