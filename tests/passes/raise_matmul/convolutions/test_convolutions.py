"""Convolutions against ONNX Runtime running the original node, with numbers whose sums are exact in any order."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[Any]
GENERATOR = np.random.default_rng(0)


def whole(*shape: int) -> Array:
    return GENERATOR.integers(-8, 8, shape).astype(np.float32)


Case = tuple[tuple[int, ...], tuple[int, ...], dict[str, Any], str]
CASES: dict[str, Case] = {
    "a kernel of three": ((2, 3, 8), (4, 3, 3), {}, "Transpose Gather Reshape Transpose"),
    "two axes with a border": (
        (1, 2, 5, 6),
        (3, 2, 3, 3),
        {"pads": [1, 0, 2, 1]},
        "Transpose Pad Reshape Gather Reshape Transpose",
    ),
    "an axis that is only passed": ((1, 2, 5, 6), (3, 2, 3, 1), {}, "Transpose Gather Reshape Transpose"),
    "a kernel of one with a step": (
        (1, 2, 5, 6),
        (3, 2, 1, 1),
        {"strides": [2, 3]},
        "Slice Slice Transpose Transpose",
    ),
    "a kernel of one with a border": (
        (1, 2, 5),
        (3, 2, 1),
        {"pads": [1, 1]},
        "Transpose Pad Gather Reshape Transpose",
    ),
    "a patch embedding": (
        (1, 3, 6, 4),
        (5, 3, 3, 2),
        {"strides": [3, 2]},
        "Reshape Transpose Reshape Transpose",
    ),
    "patches that do not fill the image": (
        (1, 3, 7, 5),
        (5, 3, 3, 2),
        {"strides": [3, 2]},
        "Slice Slice Reshape Transpose Reshape Transpose",
    ),
    "a kernel as large as the image": ((2, 3, 4, 3), (5, 3, 4, 3), {}, "Reshape Transpose Reshape Transpose"),
    "groups": ((2, 6, 7), (4, 3, 3), {"group": 2}, "Transpose Gather Reshape Transpose Reshape Transpose"),
    "groups of one point": ((2, 6, 7), (4, 3, 1), {"group": 2}, "Transpose Transpose"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_operators_of_a_gather(name: str, raised: Callable[..., Any]) -> None:
    shape, kernel, attributes, operators = CASES[name]
    node = helper.make_node("Conv", ["x", "w"], ["y"], **attributes)
    result = raised(node, whole(*shape), {"w": whole(*kernel)})
    result.check()
    assert result.operators == operators.split()


def random_convolution(seed: int) -> tuple[dict[str, Any], tuple[int, ...], tuple[int, ...]]:
    """Attributes of a convolution that ONNX Runtime takes, shape of its input, shape of its kernel."""
    random = np.random.default_rng(seed)

    def among(*choices: int) -> list[int]:
        return [int(random.choice(choices)) for _ in range(rank)]

    rank, group = int(random.integers(1, 4)), int(random.choice([1, 1, 2, 3]))
    kernel, strides, dilations = among(1, 2, 3), among(1, 1, 2, 3), among(1, 1, 2)
    padding = str(random.choice(["pads", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]))
    if padding.startswith("SAME"):
        dilations = [1] * rank
    spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel)]
    border: dict[str, Any] = {"pads": among(0, 1, 2) + among(0, 1, 2)} if padding == "pads" else {"auto_pad": padding}
    sizes = [span + extra for span, extra in zip(spans, among(0, 1, 3, 4))]
    inputs, outputs = (int(n) for n in random.integers(1, 4, 2))
    attributes = {"group": group, "strides": strides, "dilations": dilations, **border}
    return attributes, (2, group * inputs, *sizes), (group * outputs, inputs, *kernel)


@pytest.mark.parametrize("seed", range(24))
def test_random_convolutions(seed: int, raised: Callable[..., Any]) -> None:
    """With sizes that are known and with some that are not, in an old operator set and in a new one."""
    attributes, shape, kernel = random_convolution(seed)
    constants = {"w": whole(*kernel), "b": whole(kernel[0])}
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], **attributes)
    dims: Sequence[int | str] = ["n" if i == 0 else n if i == 1 else f"s{i}" for i, n in enumerate(shape)]
    x = whole(*shape)
    raised(node, x, constants, opset=11).check()
    raised(node, x, constants, dims, opset=21).check()
    raised(node, x, constants, [*shape[:2], *dims[2:-1], shape[-1]], opset=13).check()


def test_an_empty_batch(raised: Callable[..., Any]) -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    x, dims = np.zeros((0, 2, 4, 4), np.float32), ["n", 2, "h", "w"]
    raised(node, x, {"w": whole(3, 2, 3, 3)}, dims).check()
