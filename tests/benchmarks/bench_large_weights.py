"""How long it takes to compile a network of many weights, and how much memory: against `quantize_dynamic`, in one run.

The network has the weights of GPT-2-medium and its head, dense, float32, in a file beside the model, and 96 products
with what stands between them; `make bench-large` compiles networks as exporters write them.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

AddRow = Callable[..., None]

ROOT = Path(__file__).parents[2]
LAYERS, WIDTH, VOCABULARY = 24, 1024, 50257
GIBIBYTE = 1 << 30
SCRIPTS = {
    "compile": """
from pathlib import Path
from cimc.compiler import Options, compile_network
compilation = compile_network(Path(sys.argv[1]), Options(output=Path(sys.argv[2])))
assert compilation.distance.failure is None, compilation.distance
compilation.program.save(sys.argv[2])
""",
    "quantize_dynamic": """
from onnxruntime.quantization import quantize_dynamic
quantize_dynamic(sys.argv[1], sys.argv[2], per_channel=True, use_external_data_format=True)
""",
}
PEAK = """
import re
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""
"""Of this process: what Linux tells a parent of its children counts what it had itself when it made them."""


class Writer:
    """Nodes, and weights in a file, one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.generator = folder, np.random.default_rng(0)
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self.bytes = 0

    def product(self, x: str, y: str, rows: int, columns: int) -> str:
        """`y`, the product of `x` and a new weight."""
        weight = TensorProto(name=f"{y}.weight", data_type=TensorProto.FLOAT, dims=(rows, columns))
        weight.data_location = TensorProto.EXTERNAL
        place = {"location": "weights", "offset": self.bytes, "length": 4 * rows * columns}
        for key, value in place.items():
            weight.external_data.add(key=key, value=str(value))
        with (self.folder / "weights").open("ab") as file:
            for _ in range(rows):
                file.write((0.02 * self.generator.standard_normal(columns, np.float32)).tobytes())
        self.bytes += 4 * rows * columns
        self.initializers.append(weight)
        return self.node("MatMul", [x, weight.name], y)

    def node(self, operator: str, inputs: list[str], y: str) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [y], name=y))
        return y

    def layer(self, x: str, number: int) -> str:
        """Three products of one vector and what is made of them, a fourth, and the two of the feed-forward part."""
        name = f"layer{number}"
        normal = self.node("LayerNormalization", [x, "ones"], f"{name}.normal")
        q, k, v = (self.product(normal, f"{name}.{part}", WIDTH, WIDTH) for part in "qkv")
        mixed = self.node(
            "Mul", [self.node("Softmax", [self.node("Mul", [q, k], f"{name}.qk")], f"{name}.soft"), v], name
        )
        x = self.node("Add", [x, self.product(mixed, f"{name}.out", WIDTH, WIDTH)], f"{name}.attended")
        normal = self.node("LayerNormalization", [x, "ones"], f"{name}.normal2")
        wide = self.node("Relu", [self.product(normal, f"{name}.up", WIDTH, 4 * WIDTH)], f"{name}.relu")
        return self.node("Add", [x, self.product(wide, f"{name}.down", 4 * WIDTH, WIDTH)], f"{name}.end")

    def write(self) -> Path:
        """The file of the network."""
        x = "x"
        for number in range(LAYERS):
            x = self.layer(x, number)
        self.product(x, "y", WIDTH, VOCABULARY)
        self.initializers.append(numpy_helper.from_array(np.ones(WIDTH, np.float32), "ones"))
        shapes = {"x": [1, "length", WIDTH], "y": [1, "length", VOCABULARY]}
        x_info, y_info = (helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in shapes.items())
        graph = helper.make_graph(self.nodes, "large", [x_info], [y_info], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        (self.folder / "model.onnx").write_bytes(model.SerializeToString())
        return self.folder / "model.onnx"


def measured(what: str, source: Path, target: Path) -> tuple[float, int]:
    """Seconds of CPU, and bytes of memory at the most, of a process that does `what`."""
    command = [sys.executable, "-c", f"import sys{SCRIPTS[what]}{PEAK}", source, target]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime, 1024 * int(output.split()[-1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory of a process is told by Linux")
def test_compile_against_quantize_dynamic(tmp_path: Path, row: AddRow) -> None:
    writer = Writer(tmp_path)
    file = writer.write()
    title = f"{writer.bytes / 4e6:.0f} million dense weights"
    others, others_peak = measured("quantize_dynamic", file, tmp_path / "quantised.onnx")
    for path in tmp_path.glob("quantised.onnx*"):
        path.unlink()
    ours, peak = measured("compile", file, tmp_path / "program.cim")
    against = f"quantize_dynamic: {others:.1f} s of CPU"
    row(f"compile {title}", seconds=ours, ratio=ours / others, against=against, target=1)
    allowed = writer.bytes + GIBIBYTE
    against = f"{allowed / 1e9:.2f} GB: the floats and 1 GiB (quantize_dynamic: {others_peak / 1e9:.2f} GB)"
    row(f"compile {title}: memory", ratio=peak / allowed, against=against, target=1)
