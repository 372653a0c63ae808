"""Which integers make sense as inputs: those that index tables of known length."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.emitter.ranges import integer_range
from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.universe import make_context
from dialects.network import Network
from dialects.weights import WeightStore

TABLE, SHORT = np.ones((50, 4), np.float32), np.ones((9, 4), np.float32)
CASES = {
    "y = Gather(t, i)": (0, 50),
    "y = Gather<axis=1>(t, i)": (0, 4),
    "j = Cast<to=6>(i)  k = Flatten(j)  y = Gather(t, k)": (0, 50),
    "a = Gather(t, i)  b = Gather(s, i)  y = Add(a, b)": (0, 9),
    "c = Abs(t)  y = Gather(c, i)": (0, 50),
    "r = RandomNormal<shape=[7, 4]>()  y = Gather(r, i)": None,
    "y = Gather(x, i)": None,
    "c = If(go) <then_branch = a () => (float[50,4] p) { p = Abs(t) }, "
    "else_branch = b () => (float[50,4] q) { q = Neg(t) }>  y = Gather(c, i)": None,
    "y = Cast<to=1>(i)": None,
}


@pytest.mark.parametrize("nodes", CASES)
def test_ranges(nodes: str, onnx_file: Callable[..., Path]) -> None:
    file = onnx_file(
        f"g (int64[n,m] i, float[7,4] x, bool go) => (float[n,m,4] y) {{ {nodes} }}", {"t": TABLE, "s": SHORT}
    )
    (i, _), (x, _), _ = Network(import_onnx(make_context(), file, load_chip("tiny-4")), WeightStore()).inputs
    assert integer_range(i) == CASES[nodes]
    assert integer_range(x) is None
