"""Scales and zero points of forms that ONNX Runtime only refuses when the network runs."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.onnx_import.reader import read
from dialects.errors import UserError

Write = Callable[..., Path]
W = np.ones((3, 4), np.int8)
ONE, ROWS, COLUMNS = np.array(1, np.int8), np.ones(2, np.int8), np.ones(4, np.int8)
SCALE, SCALES = np.array(0.5, np.float32), np.ones(2, np.float32)
LEFT = "of its left operand of shape 2, which ONNX Runtime cannot run: expected one number"


def message_of(file: Path) -> str:
    with pytest.raises(UserError) as error:
        read(file, {})
    return str(error.value).removeprefix(f"{file}: ")


@pytest.mark.parametrize(
    ("inputs", "constants", "reason"),
    [
        ("x, w, z", {"w": W, "z": ROWS}, f"zero point {LEFT}"),
        (
            "x, w, z, v",
            {"w": W, "z": ONE, "v": np.ones(3, np.int8)},
            "zero point of its right operand of shape 3: expected one number, or one for each of 4 columns",
        ),
    ],
)
def test_integer_products(inputs: str, constants: Mapping[str, NDArray[Any]], reason: str, onnx_file: Write) -> None:
    file = onnx_file(f"g (int8[2,3] x) => (int32[2,4] y) {{ y = MatMulInteger({inputs}) }}", constants)
    assert message_of(file) == f"node 'y' (MatMulInteger) has a {reason}"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"sa": SCALES}, f"scale {LEFT}"),
        ({"za": ROWS}, f"zero point {LEFT}"),
        ({"sy": SCALES}, "scale of its result of shape 2"),
        ({"zy": ROWS}, "zero point of its result of shape 2"),
        ({"sb": SCALES}, "scale of its right operand of shape 2: expected one number, or one for each of 4 columns"),
    ],
)
def test_quantised_products(changed: Mapping[str, NDArray[Any]], reason: str, onnx_file: Write) -> None:
    constants = {"sa": SCALE, "za": ONE, "w": W, "sb": SCALE, "zb": ONE, "sy": SCALE, "zy": ONE}
    text = "g (int8[2,3] x) => (int8[2,4] y) { y = QLinearMatMul(x, sa, za, w, sb, zb, sy, zy) }"
    read(onnx_file(text, constants), {})
    assert message_of(onnx_file(text, {**constants, **changed})).startswith(f"node 'y' (QLinearMatMul) has a {reason}")


def test_bodies_see_shapes_around_them(onnx_file: Write) -> None:
    text = """g (int8[2,3] x, bool c) => (int32[2,4] y) {
        y = If(c) <then_branch = t () => (int32[2,4] o) { o = MatMulInteger(x, w, z) },
                   else_branch = e () => (int32[2,4] p) { p = MatMulInteger(x, w) }> }"""
    file = onnx_file(text, {"w": W, "z": ROWS})
    with pytest.raises(UserError, match=re.escape(f"node 'o' (MatMulInteger) has a zero point {LEFT}")):
        read(file, {})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("g (float[0,1,2] x, float[1,9,2] w, float[1,9,3] r) => (float[a,b,c,d] y) { y = GRU<hidden_size=3>(x, w, r) }",
         "(GRU) has an input of shape 0x1x2"),
        ("g (float[3,0] x) => (float[n] y) { y = Unique(x) }", "(Unique) has an input of shape 3x0"),
        ("g (float[1,2,0] x, float[2,3,1] w) => (float[a,b,c] y) { y = ConvTranspose(x, w) }",
         "(ConvTranspose) has an input of shape 1x2x0"),
    ],
)  # fmt: skip
def test_operators_that_end_the_process_for_empty_tensors(text: str, found: str, onnx_file: Write) -> None:
    reason = "which ONNX Runtime cannot run: expected at least one element"
    assert message_of(onnx_file(text)) == f"node 'y' {found}, {reason}"
