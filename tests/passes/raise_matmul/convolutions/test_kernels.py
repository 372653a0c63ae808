"""Kernels that are dequantised on their way: what keeps its integers, and what becomes floats."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[Any]
GENERATOR = np.random.default_rng(0)


def bytes_(kind: str, *shape: int) -> Array:
    limits = np.iinfo(kind)
    return GENERATOR.integers(limits.min, limits.max, shape, endpoint=True).astype(kind)


def powers(shape: tuple[int, ...]) -> Array:
    """Scales that are all different, and exact."""
    return 2.0 ** (np.arange(np.prod(shape), dtype=np.float32).reshape(shape) - 3)


@pytest.mark.parametrize("kind", ["int8", "uint8"])
@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize("axis", [None, 0, -4, 1, 3])
@pytest.mark.parametrize("zero", [None, "middle", "any"])
def test_dequantised_along_an_axis(
    kind: str, group: int, axis: int | None, zero: str | None, raised: Callable[..., Any]
) -> None:
    w = bytes_(kind, 4, 2, 3, 2)
    count = () if axis is None else (w.shape[axis],)
    constants: dict[str, Array] = {"w": w, "s": powers(count)}
    if zero is not None:
        constants["z"] = np.full(count, np.iinfo(kind).min + 128, kind) if zero == "middle" else bytes_(kind, *count)
    attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
    nodes = [
        helper.make_node("DequantizeLinear", list(constants), ["d"], **attributes),
        helper.make_node("Conv", ["x", "d"], ["y"], group=group, pads=[0, 1, 0, 1]),
    ]
    x = GENERATOR.integers(-8, 8, (2, 2 * group, 5, 4)).astype(np.float32)
    result = raised(nodes, x, constants)
    result.check()
    assert "DequantizeLinear" not in result.operators
    if axis in (None, 0, -4):
        assert all(weight.tensor_type.element_type.bitwidth == 8 for weight in result.weights)


SCALES = {
    "one": (powers(()), True),
    "one an output": (powers((4, 1, 1)), True),
    "one a channel": (powers((1, 2, 1)), True),
    "products of these": (powers((4, 2, 3)), True),
    "another for each number": (np.exp2(np.random.default_rng(3).integers(-3, 4, (4, 2, 3))).astype(np.float32), False),
}


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("swapped", [False, True])
def test_cast_and_multiplied(name: str, swapped: bool, raised: Callable[..., Any]) -> None:
    scale, kept = SCALES[name]
    constants = {"w": bytes_("uint8", 4, 2, 3), "s": scale}
    factors = ["s", "c"] if swapped else ["c", "s"]
    nodes = [
        helper.make_node("Cast", ["w"], ["c"], to=1),
        helper.make_node("Mul", factors, ["d"]),
        helper.make_node("Conv", ["x", "d"], ["y"]),
    ]
    result = raised(nodes, GENERATOR.integers(-8, 8, (2, 2, 5)).astype(np.float32), constants)
    result.check()
    assert [weight.tensor_type.element_type.bitwidth == 8 for weight in result.weights] == [kept]


def test_the_sum_of_two_kernels(raised: Callable[..., Any]) -> None:
    constants = {"w": bytes_("int8", 4, 2, 3), "s": powers((4, 1, 1)), "o": np.zeros((4, 2, 3), np.float32)}
    constants["o"][1, 1, 1] = 100
    nodes = [
        helper.make_node("Cast", ["w"], ["c"], to=1),
        helper.make_node("Mul", ["c", "s"], ["d"]),
        helper.make_node("Add", ["d", "o"], ["k"]),
        helper.make_node("Conv", ["x", "k"], ["y"]),
    ]
    result = raised(nodes, GENERATOR.integers(-8, 8, (2, 2, 5)).astype(np.float32), constants)
    result.check()
    assert len(result.weights) == 2
