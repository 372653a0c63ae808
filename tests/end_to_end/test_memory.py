"""What a compilation takes of memory grows with the weights, and not several times as fast."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

STATUS = Path("/proc/self/status")
WIDTH = 1024
COMPILE = """
import re, sys
from pathlib import Path
from cimc.compiler import Options, compile_network

compilation = compile_network(Path(sys.argv[1]), Options(reference=Path(sys.argv[2])))
assert 0.9 < compilation.distance.cosine < 1, compilation.distance
compilation.program.save(sys.argv[3])
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
GROWTH = 1.7
"""Bytes of memory for each byte of a weight in the file: a float that is mapped, and its integers where they are made,
handed to ONNX Runtime, and put into arrays, of which not all are there at once."""


def written(folder: Path, layers: int) -> Path:
    """A network of so many products one after the other, its weights in a file of their own."""
    generator, size = np.random.default_rng(0), WIDTH * WIDTH * 4
    values = ["x", *(f"h{i}" for i in range(layers - 1)), "y"]
    nodes = [helper.make_node("MatMul", [values[i], f"w{i}"], [values[i + 1]]) for i in range(layers)]
    weights: list[TensorProto] = []
    with (folder / "weights").open("wb") as file:
        for i in range(layers):
            file.write((generator.standard_normal((WIDTH, WIDTH), np.float32) / 32).tobytes())  # 32: no vector grows
            weight = TensorProto(name=f"w{i}", data_type=TensorProto.FLOAT, dims=(WIDTH, WIDTH))
            weight.data_location = TensorProto.EXTERNAL
            for key, value in {"location": "weights", "offset": i * size, "length": size}.items():
                weight.external_data.add(key=key, value=str(value))
            weights.append(weight)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", WIDTH]) for name in "xy")
    graph = helper.make_graph(nodes, "deep", [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder / "model.onnx"


def peak(folder: Path, layers: int) -> int:
    """The most memory, in bytes, of a process that compiles such a network and measures its distance."""
    folder.mkdir()
    file = written(folder, layers)
    command = [sys.executable, "-c", COMPILE, file, folder / "reference.onnx", folder / "program.cim"]
    return 1024 * int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not STATUS.exists(), reason="memory of a process is told by Linux")
def test_memory_grows_with_the_weights(tmp_path: Path) -> None:
    few, many = 4, 44
    growth = peak(tmp_path / "many", many) - peak(tmp_path / "few", few)
    assert growth <= GROWTH * (many - few) * WIDTH * WIDTH * 4
