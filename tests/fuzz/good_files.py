"""Good files of every kind that cimc reads: what a fuzzer begins with."""

import contextlib
import io
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from onnx import numpy_helper, parser

from cimc.commands import compile_model
from cimc.hardware import library

NETWORKS = (
    "g (float[n,4] x) => (float[n,6] y) { h = MatMul(x, w) a = Add(h, b) r = Relu(a) y = Softmax(r) }",
    "g (float[n,4] x) => (float[n,2,3] y) { shape = Constant<value = int64[3] {0, 2, 3}>()"
    " h = Gemm(x, w, b) y = Reshape(h, shape) }",
    "g (float[n,4] x, bool c) => (float[n,6] y) { y = If(c) <then_branch = t () => (float[n,6] p) { p = MatMul(x, w) },"
    " else_branch = e () => (float[n,6] q) { k = MatMul(x, w) q = Neg(k) }> }",
    "g (float[n,4] x) => (float[n,6] y) { d = DequantizeLinear(q, s, z) h = MatMul(x, d)"
    " k, l = Split<axis = -1, num_outputs = 2>(h) j = Concat<axis = -1>(l, k) y = Add(j, b) }",
    "g (float[1,1,4,4] x) => (float[1,2,4,4] y) { c = Conv<pads = [1,1,1,1]>(x, f) y = Clip(c, low) }",
)


@cache
def networks() -> list[bytes]:
    generator = np.random.default_rng(0)
    constants: dict[str, Any] = {"w": generator.standard_normal((4, 6)).astype(np.float32), "b": np.ones(6, np.float32)}
    constants |= {"q": generator.integers(-128, 127, (4, 6), np.int8), "s": np.float32(0.1), "z": np.int8(0)}
    constants |= {"f": generator.standard_normal((2, 1, 3, 3)).astype(np.float32), "low": np.float32(0)}
    found: list[bytes] = []
    for text in NETWORKS:
        model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 18]> {text}')
        used = set(re.findall(r"\w+", text))
        model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items() if n in used)
        found.append(model.SerializeToString())
    return found


def emitted(*options: str) -> list[bytes]:
    """What `cimc` makes of the networks: their programs, or as text with `--emit`."""
    found: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder:
        file, program = Path(folder, "n.onnx"), Path(folder, "n.cim")
        for network in networks():
            file.write_bytes(network)
            text = io.StringIO()
            with contextlib.redirect_stdout(text):
                assert compile_model.main([str(file), "-o", str(program), "--chip", "tiny-4", *options]) == 0
            found.append(text.getvalue().encode() if options else program.read_bytes())
    return found


@cache
def programs() -> list[bytes]:
    return emitted()


@cache
def modules() -> list[bytes]:
    return [*emitted("--emit", "cim"), *emitted("--emit", "array")]


def chips() -> list[bytes]:
    folder = Path(library.__file__).parent / "chips"
    return [file.read_bytes() for file in sorted(folder.glob("*.toml"))]


def grids() -> list[bytes]:
    return [
        b'chip = ["tiny-4", "pcm-256"]\nmapping = ["spread", "linear"]\nlossy = [0, 4]\nmonarch = [0, "auto"]\n',
        b'size = [64, 128]\nobjective = "latency"\n[chip_keys]\nadcs = [1, 8]\ncell_bits = [1, 2]\n',
        b'chip = "tiny-4"\n[pareto]\nleast = ["latency_ns.total"]\ngreatest = ["measured.cosine"]\n',
    ]


@cache
def archives() -> list[bytes]:
    found: list[bytes] = []
    for save in (np.savez, np.savez_compressed):
        stream = io.BytesIO()
        cast(Any, save)(stream, x=np.ones((3, 4), np.float32))
        found.append(stream.getvalue())
    return found
