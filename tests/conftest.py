"""What many tests need: a small program made by hand, ONNX files from text, and the way to a checked program."""

import io
import os
import signal
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import Phase, settings
from numpy.typing import NDArray
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    helper,
    numpy_helper,
    parser,
    shape_inference,
)

from cimc.compiler import Compilation, Options, compile_network
from cimc.machine.check import compare, run_reference
from cimc.machine.inputs import random_inputs
from cimc.machine.machine import Machine
from cimc.program.metadata import Chip, Input, Kernel, Multiplication, Source, Stage, Value, Weight
from cimc.program.program import Program
from cimc.program.records import clear_record, kernel_record, multiply_records, permute_record
from dialects.semantics.onnx_graph import GraphWriter

settings.register_profile("cimc", deadline=None)  # a busy machine is no mistake
settings.register_profile("mutants", deadline=None, phases=[Phase.explicit, Phase.generate])  # no smaller example
settings.load_profile("mutants" if "MUTANT_UNDER_TEST" in os.environ else "cimc")

STEP = np.array([7.5, 3.25, 11, 90], np.float32)
TABLE = np.array([2, 0, 3, 1], np.int32)
WEIGHTS = np.array([[1, -2, 3], [-128, 127, 0], [5, 6, 7], [-1, 0, 64]], np.int8)
SCALE = np.array([0.1, 0.2, 0.3], np.float32)

LONG = ("export", "paper", "examples", "commands", "sweep", "language", "end_to_end", "fuzz", "report", "api")
"""Folders whose files take longest, in this order."""
_INTEGER_OPERATORS = ("Integer", "QLinearMatMul", "QLinearConv", "QGemm", "QAttention", "DynamicQuantize")
_BYTES = {TensorProto.UINT8, TensorProto.INT8}


def pytest_configure() -> None:
    """Ctrl-C is pressed in tests and in commands that they start; in the background a shell lets it be ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that compile whole networks or start processes come first: where files are dealt out to workers one by one,
    the last of them should be short."""
    folders = [Path(__file__).parent / name for name in LONG]
    items.sort(key=lambda item: next((i for i, f in enumerate(folders) if f in item.path.parents), len(folders)))


def _mixed_products(graph: GraphProto, types: dict[str, int]) -> list[str]:
    """The nodes that take both uint8 and int8, of those operators that multiply them; `types` of values outside."""
    types = types | {t.name: t.data_type for t in graph.initializer}
    types |= {e.name: e.type.tensor_type.elem_type for e in (*graph.input, *graph.value_info, *graph.output)}
    found: list[str] = []
    for node in graph.node:
        bytes_ = {types.get(name, 0) for name in node.input} & _BYTES
        makes_uint8 = node.op_type in ("DynamicQuantizeMatMul", "DynamicQuantizeLSTM")
        if any(part in node.op_type for part in _INTEGER_OPERATORS):
            if bytes_ == _BYTES or (makes_uint8 and TensorProto.INT8 in bytes_):
                found.append(f"{node.op_type} {node.name!r}")
        bodies = [attribute.g for attribute in node.attribute if attribute.type == AttributeProto.GRAPH]
        found += [name for body in bodies for name in _mixed_products(body, types)]
    return found


def _saturating_products(model: ModelProto) -> list[str]:
    content = model.SerializeToString()
    if not any(part.encode() in content for part in _INTEGER_OPERATORS):
        return []
    return _mixed_products(shape_inference.infer_shapes(model).graph, {})


@pytest.fixture
def saturating_products() -> Callable[[ModelProto], list[str]]:
    """The products of uint8 by int8 in a graph, which some processors compute wrongly."""
    return _saturating_products


@pytest.fixture(autouse=True, scope="session")
def _nothing_saturates() -> Iterator[None]:
    """Every reference, kernel and interpreted network that any test writes is searched for such products."""
    write = GraphWriter.model

    def searched(self: GraphWriter, *arguments: Any) -> ModelProto:
        model = write(self, *arguments)
        assert _saturating_products(model) == []
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GraphWriter, "model", searched)
        yield


@pytest.fixture
def handmade_model() -> bytes:
    """Quantisation, a gather, an integer multiplication and dequantisation of float32 [n, 4], giving [n, 3]."""
    nodes = [
        *_quantise("x", "step", "q"),
        helper.make_node("Gather", ["q", "table"], ["p"], axis=-1),
        helper.make_node("MatMulInteger", ["p", "weights"], ["acc"]),
        *_dequantise("acc", "scale", "y"),
    ]
    constants = {"step": STEP, "table": TABLE, "weights": WEIGHTS, "scale": SCALE}
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    return _model(nodes, ("x", TensorProto.FLOAT, 4), ("y", TensorProto.FLOAT, 3), initializers)


@pytest.fixture
def handmade() -> Program:
    """The same network as a program: two kernels around a permutation and two tiles in one array."""
    before = _model(
        _quantise("v0", "constant0", "v1"),
        ("v0", TensorProto.FLOAT, 4),
        ("v1", TensorProto.UINT8, 4),
        [_external("constant0", STEP)],
    )
    after = _model(
        _dequantise("v3", "constant1", "v4"),
        ("v3", TensorProto.INT32, 3),
        ("v4", TensorProto.FLOAT, 3),
        [_external("constant1", SCALE)],
    )
    arrays = np.zeros((2, 4, 8), np.int8)
    arrays[1, :2, 4:7], arrays[1, 2:4, 4:7] = WEIGHTS[2:], WEIGHTS[:2]
    records = [
        kernel_record(stage=0, kernel=0),
        permute_record(stage=0, x=1, y=2, table=0),
        clear_record(stage=0, x=2, y=3, n=3),
        multiply_records(
            stage=0, x=2, y=3, array=1, k=[0, 2], n=0, row=[2, 0], column=4, rows=2, columns=3,
            adc_bits=[4, 3], bound=[6, 5], start=[0, 1500],
        ),
        kernel_record(stage=1, kernel=1),
    ]  # fmt: skip
    return Program(
        chip=Chip("tiny", 4, 8, 2, 1, 8, 1, "offset", {"bit_ps": 1000, "source": "made up"}),
        arrays=arrays,
        tiles=np.array([[0, 1, 2, 4, 2, 3, 0, 0], [0, 1, 0, 4, 2, 3, 2, 0]], np.int32),
        instructions=np.concatenate(records),
        tables=[TABLE],
        kernels=[Kernel(before, (0,), (1,), ("/quantise",), (0,)), Kernel(after, (3,), (4,), ("/scale",), (1,))],
        constants=[STEP, SCALE],
        inputs=[Input("x", "float32", ("batch", 4), 0)],
        outputs=[Value("y", "float32", ("batch", 3), 4)],
        slots=5,
        weights=[Weight("fc.weight", 4, 3, "/fc")],
        multiplications=[Multiplication(3, 2, 0, "/fc")],
        stages=[Stage(0, 0, 3000)],
        compiler="0.1.0",
        source=Source("made.onnx", "00"),
    )


def _quantise(x: str, step: str, y: str) -> list[NodeProto]:
    return [
        helper.make_node("Mul", [x, step], ["scaled"]),
        helper.make_node("Abs", ["scaled"], ["positive"]),
        helper.make_node("Cast", ["positive"], [y], to=TensorProto.UINT8),
    ]


def _dequantise(x: str, scale: str, y: str) -> list[NodeProto]:
    return [
        helper.make_node("Cast", [x], ["sums"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["sums", scale], [y]),
    ]


def _external(name: str, array: np.ndarray[tuple[int], np.dtype[np.float32]]) -> TensorProto:
    """An initializer whose bytes the machine brings."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=array.shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "constants"), ("offset", "0"), ("length", str(array.nbytes))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def _model(
    nodes: list[NodeProto], x: tuple[str, int, int], y: tuple[str, int, int], initializers: list[TensorProto]
) -> bytes:
    inputs, outputs = ([helper.make_tensor_value_info(name, type_, ["n", width])] for name, type_, width in (x, y))
    graph = helper.make_graph(nodes, "handmade", inputs, outputs, initializers)
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


@pytest.fixture(scope="session")
def write_network() -> Callable[..., Path]:
    """Writes a network in ONNX's text form, `g (float[n,4] x) => (float[n,3] y) { y = MatMul(x, w) }`, to a file."""

    def write(
        path: Path,
        graph: str,
        constants: Mapping[str, NDArray[Any]] | None = None,
        *,
        opset: int = 17,
        ir: int = 8,
        domains: str = "",
    ) -> Path:
        model = parser.parse_model(f'<ir_version: {ir}, opset_import: ["" : {opset}{domains}]> {graph}')
        model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in (constants or {}).items())
        path.write_bytes(model.SerializeToString())
        return path

    return write


@pytest.fixture
def onnx_file(write_network: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """The same, in the folder of the test."""

    def write(
        graph: str, constants: Mapping[str, NDArray[Any]] | None = None, *, name: str = "network.onnx", **options: Any
    ) -> Path:
        return write_network(tmp_path / name, graph, constants, **options)

    return write


@pytest.fixture(scope="session")
def compile_checked() -> Callable[..., Compilation]:
    """Compiles an ONNX file for a tiny chip, and demands the bits of the reference network from the saved program.

    What is written goes to a folder.
    """

    def checked(
        folder: Path, file: Path, inputs: Mapping[str, NDArray[Any]] | None = None, **options: Any
    ) -> Compilation:
        reference = folder / "reference.onnx"
        compilation = compile_network(file, replace(Options(chip="tiny-4", reference=reference), **options))
        compilation.program.save(folder / "program.cim")
        program = Program.load(folder / "program.cim")
        given = random_inputs(program.inputs) if inputs is None else inputs
        comparison = compare(Machine(program).run(given), run_reference(reference, given))
        assert comparison.identical, str(comparison)
        return compilation

    return checked


@pytest.fixture
def compiled(compile_checked: Callable[..., Compilation], tmp_path: Path) -> Callable[..., Compilation]:
    """The same, in the folder of the test."""
    return partial(compile_checked, tmp_path)


@pytest.fixture
def chain(onnx_file: Callable[..., Path]) -> Callable[[Sequence[int], np.random.Generator], Path]:
    """Writes a network of dense layers of some sizes, with a Relu after each."""

    def write(sizes: Sequence[int], random: np.random.Generator) -> Path:
        layers = range(len(sizes) - 1)
        weights = {f"w{i}": random.normal(size=(sizes[i], sizes[i + 1])).astype(np.float32) for i in layers}
        body = "".join(f"[product{i}] m{i} = MatMul(x{i}, w{i}) x{i + 1} = Relu(m{i}) " for i in layers)
        return onnx_file(f"g (float[n,{sizes[0]}] x0) => (float[n,{sizes[-1]}] x{len(layers)}) {{ {body} }}", weights)

    return write


@pytest.fixture
def reloaded(compiled: Callable[..., Compilation], chain: Callable[..., Path]) -> Program:
    """Three weights of 4 arrays each, on 4 arrays."""
    return compiled(chain([8, 8, 8, 8], np.random.default_rng(0)), reload=True, arrays=4).program


@pytest.fixture(scope="session")
def damaged_archives() -> dict[str, bytes]:
    """Contents of .npz files that cannot be read, each damaged in another way."""
    plain, packed = _archive(zipfile.ZIP_STORED), _archive(zipfile.ZIP_DEFLATED)
    directory, data = plain.index(b"PK\x01\x02"), packed.index(b"PK\x01\x02") - 200

    def with_fields(in_entry: int, in_directory: int, value: int) -> bytes:
        changed = bytearray(plain)
        changed[in_entry] = changed[directory + in_directory] = value
        return bytes(changed)

    return {
        "no archive": b"no archive",
        "truncated": plain[:-30],
        "half": plain[: len(plain) // 2],
        "encrypted": with_fields(6, 8, 1),
        "unknown compression": with_fields(8, 10, 99),
        "wrong compression": with_fields(8, 10, zipfile.ZIP_LZMA),
        "damaged data": packed[:data] + bytes(100) + packed[data + 100 :],
        "shape of 10^40": _archive(shape="(10" + "0" * 39 + ",)"),
        "shape of 10^12": _archive(shape="(10" + "0" * 11 + ",)"),
        "deep": _archive(shape="(" * 20_000),
        "no header": _archive(shape="0}; import os"),
        "no array": _archive(content=b"text"),
        "pickled": _archive(array=np.array([None])),
    }


def _archive(
    compression: int = zipfile.ZIP_STORED,
    shape: str = "",
    content: bytes = b"",
    array: NDArray[Any] = np.random.default_rng(0).standard_normal((2, 400)),
) -> bytes:
    """An .npz file with the array `x`, or with its shape or all of it replaced."""
    stream, entry = io.BytesIO(), io.BytesIO()
    np.save(entry, array, allow_pickle=True)
    if shape:
        text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
        entry = io.BytesIO(b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text + bytes(64))
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("x" if content else "x.npy", content or entry.getvalue())
    return stream.getvalue()
