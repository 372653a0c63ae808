"""Transposed convolutions against ONNX Runtime running the original node, with sums that are exact in any order."""

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


@pytest.mark.parametrize(
    ("kernel", "attributes", "operators"),
    [
        ((1, 1), {}, "Transpose Reshape Transpose Reshape"),
        ((2, 3), {"strides": [2, 3]}, "Transpose Reshape Add Transpose Reshape"),
        ((1, 1), {"strides": [2, 3]}, "Gather"),
        ((3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]}, "Gather ReduceSum"),
    ],
)
@pytest.mark.parametrize("group", [1, 2])
def test_what_is_summed(
    kernel: tuple[int, int], attributes: dict[str, Any], operators: str, group: int, raised: Callable[..., Any]
) -> None:
    constants = {"w": whole(4, 3, *kernel), "b": whole(3 * group)}
    node = helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], group=group, **attributes)
    result = raised(node, whole(2, 4, 5, 3), constants)
    result.check()
    assert set(operators.split()) <= set(result.operators)
    assert ("ReduceSum" in result.operators) == ("ReduceSum" in operators)
    assert ("Pad" in result.operators) == ("Gather" in operators)


def random_convolution(seed: int) -> tuple[dict[str, Any], tuple[int, ...], tuple[int, ...]]:
    """Attributes of a transposed convolution that ONNX Runtime takes, shape of its input, shape of its kernel."""
    random = np.random.default_rng(seed)

    def among(*choices: int) -> list[int]:
        return [int(random.choice(choices)) for _ in range(rank)]

    rank, group = int(random.integers(1, 4)), int(random.choice([1, 1, 2, 3]))
    kernel, strides, dilations, sizes = among(1, 2, 3, 4), among(1, 2, 3), among(1, 1, 2), among(2, 3, 4)
    spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel)]
    attributes: dict[str, Any] = {"group": group, "strides": strides, "dilations": dilations}
    form = str(random.choice(["pads", "SAME_UPPER", "SAME_LOWER", "VALID", "shape", "shape SAME_UPPER"]))
    if "shape" in form:
        full = [s * (n - 1) + span for s, n, span in zip(strides, sizes, spans)]
        attributes["output_shape"] = [max(1, n - less) for n, less in zip(full, among(0, 1, 2))]
    else:
        attributes["output_padding"] = [int(random.integers(0, stride)) for stride in strides]
    if form == "pads":
        attributes["pads"] = [int(random.integers(0, span)) for span in spans * 2]
        sizes = [n + 2 * span for n, span in zip(sizes, spans)]
    elif form != "shape":
        attributes["auto_pad"] = form.split()[-1]
    inputs, outputs = (int(n) for n in random.integers(1, 4, 2))
    return attributes, (2, group * inputs, *sizes), (group * inputs, outputs, *kernel)


@pytest.mark.parametrize("seed", range(24))
def test_random_convolutions(seed: int, raised: Callable[..., Any]) -> None:
    attributes, shape, kernel = random_convolution(seed)
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], **attributes)
    dims: Sequence[int | str] = ["n" if i == 0 else n if i == 1 else f"s{i}" for i, n in enumerate(shape)]
    x, w = whole(*shape), whole(*kernel)
    raised(node, x, {"w": w}, opset=11).check()
    raised(node, x, {"w": w}, dims, opset=21).check()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("group", [1, 2])
def test_integers_are_kept(axis: int, group: int, raised: Callable[..., Any]) -> None:
    w = GENERATOR.integers(-128, 128, (4, 3, 2)).astype(np.int8)
    constants = {"w": w, "s": 2.0 ** np.arange(w.shape[axis], dtype=np.float32)}
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["d"], axis=axis),
        helper.make_node("ConvTranspose", ["x", "d"], ["y"], group=group),
    ]
    result = raised(nodes, whole(2, 4, 5), constants)
    result.check()
    assert [weight.tensor_type.element_type.bitwidth for weight in result.weights] == [8]
