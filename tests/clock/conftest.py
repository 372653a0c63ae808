"""Programs in time: random ones, of layers that need each other in any way."""

import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.compiler import Options, compile_network
from cimc.program.program import Program

LOOP = """g (int64 trips, float[n,4] x) => (float[n,4] y, float[n,4] z) {
    a = MatMul(x, w)  z = Relu(a)
    y = Loop(trips, , a) <body = b (int64 i, bool go, float[n,4] s) => (bool again, float[n,4] t) {
        r = MatMul(s, v)  t = Relu(r)  again = Identity(go)
    }>
}"""


@pytest.fixture
def random_program(tmp_path: Path, onnx_file: Callable[..., Path]) -> Callable[[Random], Program]:
    """A program of multiplications, some by the same weight, and what lies between them, on a chip of random speed."""

    def program(random: Random) -> Program:
        network, weights = _network(random)
        options = Options(
            chip=_chip(_speed(random), tmp_path), mapping=random.choice(["linear", "densemap"]), measure=False
        )
        return compile_network(onnx_file(network, weights), options).program

    return program


@pytest.fixture
def loop_program(onnx_file: Callable[..., Path]) -> Program:
    """Two multiplications, the second in a loop."""
    weights = {name: np.eye(4, dtype=np.float32) for name in ("w", "v")}
    return compile_network(onnx_file(LOOP, weights), Options(chip="tiny-4", measure=False)).program


@pytest.fixture
def crowded_program(onnx_file: Callable[..., Path]) -> Program:
    """The last product is by the first weight again, whose arrays may wait for additions of the first still."""
    layers = "y = MatMul(x, w)  a = MatMul(t, v)  b = MatMul(a, u)  z = MatMul(b, w)"
    shapes = {"w": (5, 5), "v": (3, 3), "u": (3, 5)}
    weights = {
        name: 2 * np.ones(shape, np.float32) - np.eye(*shape, dtype=np.float32) for name, shape in shapes.items()
    }
    network = f"g (float[n,5] x, float[n,3] t) => (float[n,5] y, float[n,5] z) {{ {layers} }}"
    return compile_network(onnx_file(network, weights), Options(chip="tiny-4", measure=False)).program


def _speed(random: Random) -> dict[str, float]:
    return {
        "adcs": random.randint(1, 3),
        "settle_ns": random.randint(0, 3),
        "transfer_ns": random.choice([0, 1, 20]),
        "digital_units": random.randint(1, 3),
        "add_ns": random.choice([1, 3, 30]),
        "function_ns": random.choice([1, 40]),
    }


def _chip(changes: Mapping[str, float], folder: Path) -> Path:
    """The file of a chip like tiny-4."""
    text = (resources.files("cimc.hardware") / "chips" / "tiny-4.toml").read_text()
    for key, value in changes.items():
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", text, count=1)
    path = folder / "chip.toml"
    path.write_text(text)
    return path


def _network(random: Random) -> tuple[str, dict[str, NDArray[np.float32]]]:
    generator = np.random.default_rng(random.randrange(1 << 32))
    weights: dict[str, NDArray[np.float32]] = {}
    values = [("x", 5)]
    lines: list[str] = []
    for number in range(random.randint(6, 18)):
        name, (operand, width) = f"v{number}", random.choice(values)
        others = [other for other, size in values if size == width]
        if random.random() < 0.6:
            weight = f"w{number}"
            weights[weight] = generator.standard_normal((width, random.choice([3, 5, 5, 5]))).astype(np.float32)
            weight = random.choice([weight, *(name for name, array in weights.items() if array.shape[0] == width)])
            lines.append(f"{name} = MatMul({operand}, {weight})")
            width = weights[weight].shape[1]
        else:
            form = random.choice(["Add({0}, {1})", "Mul({1}, {0})", "Tanh({0})", "Neg({0})"])
            lines.append(f"{name} = {form.format(operand, random.choice(others))}")
        values.append((name, width))
    outputs = ", ".join(f"float[n,{width}] {name}" for name, width in values[1:])
    return f"g (float[n,5] x) => ({outputs}) {{ {'  '.join(lines)} }}", weights
