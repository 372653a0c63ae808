"""What programming takes of weights that pass through the chip in parts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.options.conditions import Conditions
from cimc.program.program import Program
from cimc.report.report import report_of

Check = Callable[..., Compilation]
Write = Callable[..., Path]
MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"


def chain(onnx_file: Write, sizes: list[int], random: np.random.Generator) -> Path:
    """A network of dense layers of these sizes."""
    layers = range(len(sizes) - 1)
    weights = {f"w{i}": random.normal(size=sizes[i : i + 2]).astype(np.float32) for i in layers}
    body = "".join(f"[product{i}] m{i} = MatMul(x{i}, w{i}) x{i + 1} = Relu(m{i}) " for i in layers)
    return onnx_file(f"g (float[n,{sizes[0]}] x0) => (float[n,{sizes[-1]}] x{len(layers)}) {{ {body} }}", weights)


@pytest.fixture
def small(compiled: Check, onnx_file: Write) -> Program:
    """A chain of three weights of 4 arrays each, on 4 arrays."""
    file = chain(onnx_file, [8, 8, 8, 8], np.random.default_rng(0))
    return compiled(file, reload=True, arrays=4).program


def test_tokens_of_a_run_share_a_load(small: Program) -> None:
    single, many = (report_of(small, Conditions(dims={"n": n})).reload for n in (1, 4))
    assert single is not None
    assert many is not None
    assert (single.writes, many.writes) == (3.0, 0.75)
    assert single.time_ns == 4 * (many.time_ns or 0.0) == 3 * 4 * 20
    assert single.energy_pj == 3 * 64 * 4 * 2.0
    assert many.lasts == 1e6 / 0.75
