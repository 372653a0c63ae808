"""Convolutions of integers, bit for bit as ONNX Runtime computes them: zero points, borders, groups, channels last."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[Any]
GENERATOR = np.random.default_rng(0)
# ONNX Runtime has no kernel for uint8 weights and int8 inputs.
KINDS = [("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8")]


def bytes_(kind: str, *shape: int) -> Array:
    limits = np.iinfo(kind)
    return GENERATOR.integers(limits.min, limits.max, shape, endpoint=True).astype(kind)


@pytest.mark.parametrize(("kind_x", "kind_w"), KINDS)
@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize("zeros", ["none", "x", "both", "of one"])
def test_conv_integer(kind_x: str, kind_w: str, group: int, zeros: str, raised: Callable[..., Any]) -> None:
    constants = {"w": bytes_(kind_w, 4, 2, 3, 2)}
    one = (1,) if zeros == "of one" else ()
    if zeros != "none":
        constants["zx"] = bytes_(kind_x, *one)
    if zeros in ("both", "of one"):
        constants["zw"] = bytes_(kind_w, *one)
    node = helper.make_node("ConvInteger", ["x", *constants], ["y"], group=group, pads=[1, 0, 2, 1], strides=[2, 1])
    x = bytes_(kind_x, 2, 2 * group, 5, 4)
    raised(node, x, constants, ["n", 2 * group, "h", 4], result=np.int32).check()


@pytest.mark.parametrize(("kind_x", "kind_w"), KINDS)
@pytest.mark.parametrize("group", [1, 4])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_qlinear_conv(
    kind_x: str, kind_w: str, group: int, several: bool, last: bool, raised: Callable[..., Any]
) -> None:
    count = (4,) if several else ()
    constants: dict[str, Array] = {
        "sx": np.array(0.03, np.float32),
        "zx": bytes_(kind_x),
        "w": bytes_(kind_w, 4, 2, 3, 2),
        "sw": GENERATOR.uniform(0.01, 0.1, count).astype(np.float32),
        "zw": np.full(count, bytes_(kind_w), kind_w),
        "sy": np.array(1.5, np.float32),
        "zy": bytes_(kind_x),
        "b": GENERATOR.integers(-999, 999, 4).astype(np.int32),
    }
    given = ["x", *list(constants)[: 8 if several else 7]]
    attributes: dict[str, Any] = {"domain": "com.microsoft", "channels_last": 1} if last else {}
    node = helper.make_node("QLinearConv", given, ["y"], group=group, pads=[1, 0, 2, 1], **attributes)
    x = bytes_(kind_x, *((2, 5, 4, 2 * group) if last else (2, 2 * group, 5, 4)))
    raised(node, x, constants).check()
