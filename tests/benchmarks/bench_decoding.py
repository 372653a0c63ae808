"""How fast a language model writes: a token by the machine, and by ONNX Runtime with the reference in one session.

The network has the shape of SmolLM2-135M (30 layers, grouped queries, keys and values of before as inputs) and random
weights. Both sides run with the same threads, in turn, round after round; the smallest times count, since other work on
a processor only adds to them. The processor's time counts where there is one thread, the clock's where there are two.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from cimc.machine.machine import Machine
from cimc.program.program import Program

AddRow = Callable[..., None]
Arrays = Mapping[str, NDArray[Any]]
LAYERS, WIDTH, HIDDEN, VOCABULARY, HEADS, GROUPS, HEAD = 30, 576, 1536, 49152, 9, 3, 64
"""Of SmolLM2-135M: `HEADS` are of queries, `GROUPS` of keys and values."""
ROUNDS = 15
ONE_SESSION = "the reference in one session of ONNX Runtime, "
LOADING = 1.0
"""Seconds of CPU that it may take until a program is ready, imports included."""
PYTHON = 0.15
"""Share of a token that Python may take."""


@dataclass
class Writer:
    """The nodes of a decoder, in order."""

    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    nodes: list[NodeProto] = field(default_factory=list[NodeProto])
    constants: list[TensorProto] = field(default_factory=list[TensorProto])
    inputs: list[ValueInfoProto] = field(default_factory=list[ValueInfoProto])
    outputs: list[ValueInfoProto] = field(default_factory=list[ValueInfoProto])

    def model(self) -> bytes:
        for name, axes in (
            ("input_ids", ["batch", "sequence"]),
            ("attention_mask", ["batch", "total"]),
            ("position_ids", ["batch", "sequence"]),
        ):
            self.inputs.append(helper.make_tensor_value_info(name, TensorProto.INT64, axes))
        x = self.node("Gather", self.weight(VOCABULARY, WIDTH), "input_ids")
        self.angles()
        mask = self.mask()
        for layer in range(LAYERS):
            x = self.layer(layer, x, mask)
        logits = self.product(self.normalised(x), VOCABULARY)
        self.outputs.insert(0, self.port("logits", "batch", "sequence", VOCABULARY))
        self.node("Identity", logits, output="logits")
        graph = helper.make_graph(self.nodes, "decoder", self.inputs, self.outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()

    def layer(self, number: int, x: str, mask: str) -> str:
        y = self.normalised(x)
        query, key, value = (self.split(self.product(y, n * HEAD), n) for n in (HEADS, GROUPS, GROUPS))
        query, key = self.rotated(query, HEADS), self.rotated(key, GROUPS)
        key, value = (self.repeated(self.with_past(number, *kv)) for kv in (("key", key), ("value", value)))
        scores = self.node("MatMul", query, self.node("Transpose", key, perm=[0, 1, 3, 2]))
        scores = self.node("Add", self.node("Mul", scores, self.constant(np.float32(HEAD**-0.5))), mask)
        mixed = self.node("MatMul", self.node("Softmax", scores, axis=-1), value)
        joined = self.node("Transpose", mixed, perm=[0, 2, 1, 3])
        x = self.node("Add", x, self.product(self.node("Reshape", joined, self.numbers(0, 0, WIDTH)), WIDTH))
        y = self.normalised(x)
        gate, up = self.product(y, HIDDEN), self.product(y, HIDDEN)
        y = self.node("Mul", self.node("Mul", gate, self.node("Sigmoid", gate)), up)
        return self.node("Add", x, self.product(y, WIDTH, HIDDEN))

    def angles(self) -> None:
        """`cos` and `sin` [batch, 1, sequence, HEAD]."""
        rates = (10000.0 ** (-np.arange(0, HEAD, 2) / HEAD)).astype(np.float32)
        positions = self.node("Unsqueeze", self.node("Cast", "position_ids", to=TensorProto.FLOAT), self.numbers(1, 3))
        half = self.node("Mul", positions, self.constant(rates))
        angles = self.node("Concat", half, half, axis=-1)
        self.node("Cos", angles, output="cos")
        self.node("Sin", angles, output="sin")

    def mask(self) -> str:
        """What is added to scores [batch, 1, sequence, total]."""
        total = self.node("Squeeze", self.node("Shape", "attention_mask", start=1, end=2))
        nought, one = (self.constant(np.int64(number)) for number in (0, 1))
        columns = self.node("Range", nought, total, one)
        earlier = self.node("LessOrEqual", columns, self.node("Unsqueeze", "position_ids", self.numbers(2)))
        given = self.node("Cast", "attention_mask", to=TensorProto.BOOL)
        seen = self.node("And", earlier, self.node("Unsqueeze", given, self.numbers(1)))
        added = self.node("Where", seen, self.constant(np.float32(0)), self.constant(np.float32(-1e9)))
        return self.node("Unsqueeze", added, self.numbers(1))

    def with_past(self, layer: int, role: str, new: str) -> str:
        past, present = f"past_key_values.{layer}.{role}", f"present.{layer}.{role}"
        self.inputs.append(self.port(past, "batch", GROUPS, "past", HEAD))
        self.outputs.append(self.port(present, "batch", GROUPS, "total", HEAD))
        return self.node("Concat", past, new, output=present, axis=2)

    def repeated(self, x: str) -> str:
        """[batch, GROUPS, total, HEAD] as [batch, HEADS, total, HEAD]."""
        batch, total = (self.node("Shape", x, start=axis, end=axis + 1) for axis in (0, 2))
        groups, times, head = (self.numbers(n) for n in (GROUPS, HEADS // GROUPS, HEAD))
        wide = self.node("Expand", self.node("Unsqueeze", x, self.numbers(2)),
                         self.node("Concat", batch, groups, times, total, head, axis=0))  # fmt: skip
        return self.node("Reshape", wide, self.node("Concat", batch, self.numbers(HEADS), total, head, axis=0))

    def split(self, x: str, heads: int) -> str:
        return self.node("Transpose", self.node("Reshape", x, self.numbers(0, 0, heads, HEAD)), perm=[0, 2, 1, 3])

    def rotated(self, x: str, heads: int) -> str:
        ends = [self.numbers(n) for n in (0, HEAD // 2, HEAD, -1)]
        low, high = (self.node("Slice", x, ends[i], ends[i + 1], ends[3]) for i in range(2))
        turned = self.node("Concat", self.node("Neg", high), low, axis=-1)
        return self.node("Add", self.node("Mul", x, "cos"), self.node("Mul", turned, "sin"))

    def normalised(self, x: str) -> str:
        square = self.node("ReduceMean", self.node("Mul", x, x), axes=[-1])
        length = self.node("Sqrt", self.node("Add", square, self.constant(np.float32(1e-5))))
        scale = self.generator.uniform(0.5, 1.5, WIDTH).astype(np.float32)
        return self.node("Mul", self.node("Div", x, length), self.constant(scale))

    def product(self, x: str, columns: int, rows: int = WIDTH) -> str:
        return self.node("MatMul", x, self.weight(rows, columns))

    def weight(self, rows: int, columns: int) -> str:
        return self.constant(0.02 * self.generator.standard_normal((rows, columns), np.float32))

    def constant(self, array: "NDArray[Any] | np.generic") -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(array), f"constant.{len(self.constants)}"))
        return self.constants[-1].name

    def numbers(self, *numbers: int) -> str:
        return self.constant(np.array(numbers, np.int64))

    def port(self, name: str, *axes: str | int) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)

    def node(self, op_type: str, *inputs: str, output: str = "", **settings: Any) -> str:
        output = output or f"{op_type}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [output], name=f"/{output}", **settings))
        return output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the network as `decoder.cim` and its reference."""
    made = tmp_path_factory.mktemp("decoder")
    (made / "decoder.onnx").write_bytes(Writer().model())
    files = [made / name for name in ("decoder.onnx", "decoder.cim", "reference.onnx")]
    arguments = [str(files[0]), "-o", str(files[1]), "--reference", str(files[2])]
    subprocess.run([sys.executable, "-m", "cimc.commands.compile_model", *arguments], check=True, capture_output=True)
    files[0].unlink()
    yield made
    for file in made.iterdir():
        file.unlink()


def step(past: int, batch: int) -> dict[str, NDArray[Any]]:
    """The inputs of one token of each sequence, after `past` others."""
    generator = np.random.default_rng(0)
    shape = (batch, GROUPS, past, HEAD)
    names = (f"past_key_values.{layer}.{role}" for layer in range(LAYERS) for role in ("key", "value"))
    return {
        "input_ids": generator.integers(0, VOCABULARY, (batch, 1)),
        "attention_mask": np.ones((batch, past + 1), np.int64),
        "position_ids": np.full((batch, 1), past),
        **{name: generator.standard_normal(shape, np.float32) for name in names},
    }


def one_session(folder: Path, level: onnxruntime.GraphOptimizationLevel, threads: int) -> Callable[[Arrays], Arrays]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.intra_op_num_threads = level, threads
    file = str(folder / "reference.onnx")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, dict(inputs)), strict=True))


def smallest(clock: Callable[[], float], inputs: Arrays, *works: Callable[[Arrays], object]) -> list[float]:
    """The smallest seconds of each work, the works in turn."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS + 1):
        for taken, work in zip(times, works, strict=True):
            start = clock()
            work(inputs)
            taken.append(clock() - start)
    return [min(taken[1:]) for taken in times]


def test_loading(row: AddRow, folder: Path) -> None:
    """As a user meets it: all CPU of a process from its start on. The first, which compiles loops, is not counted."""
    script = (
        "import sys, time, cimc; session = cimc.Session(cimc.Program.load(sys.argv[1]), threads=1); "
        "loaded = time.process_time(); next(session.generate([1, 2, 3])); print(loaded, time.process_time())"
    )
    command = [sys.executable, "-c", script, str(folder / "decoder.cim")]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() for _ in range(6)]
    for place, end in enumerate(("loading", "loading and one token")):
        seconds = min(float(run[place]) for run in runs[1:])
        what = f"SmolLM2-135M's shape, Python and {end}"
        row(what, seconds=seconds, ratio=seconds / LOADING, against="1 s of CPU", target=1)


@pytest.mark.parametrize("threads", [1, 2])
def test_one_token(row: AddRow, folder: Path, threads: int) -> None:
    """After 64 and after 512 others, of one sequence and of four; every bit is that of the reference."""
    machine = Machine(Program.load(folder / "decoder.cim"), threads=threads)
    names = onnxruntime.GraphOptimizationLevel
    levels = (names.ORT_DISABLE_ALL, names.ORT_ENABLE_ALL)
    plain, optimised = (one_session(folder, level, threads) for level in levels)
    clock = time.process_time if threads == 1 else time.perf_counter
    found: dict[tuple[int, int], float] = {}
    for past in (64, 512):
        for batch in (1, 4):
            inputs = step(past, batch)
            outputs, expected = machine.run(inputs), plain(inputs)
            assert all(outputs[name].tobytes() == expected[name].tobytes() for name in expected)
            python: list[float] = []

            def token(inputs: Arrays) -> None:
                machine.run(inputs)
                python.append(1 - sum(machine.native) / machine.whole)

            seconds, *references = smallest(clock, inputs, token, plain, optimised)
            found[past, batch] = seconds
            what = f"SmolLM2-135M's shape, token {past}, batch {batch}, {threads} threads"
            for reference, name, target in zip(references, ("unoptimised", "optimised"), (1.5, 3)):
                row(what, seconds=seconds, ratio=seconds / reference, against=ONE_SESSION + name, target=target)
            row(f"{what}: Python", ratio=float(np.median(python)), against="the token", target=PYTHON)
        row(
            f"SmolLM2-135M's shape, token {past}, batch 4, {threads} threads",
            seconds=found[past, 4], ratio=found[past, 4] / (4 * found[past, 1]), against="4 tokens one after the other",
        )  # fmt: skip
