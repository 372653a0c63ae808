"""Networks before and after `raise-matmul`, compared: convolutions of one node, and files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.original import run_original
from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp, WeightOp
from dialects.network import Network, operations
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.fold_constants import FoldConstantsPass
from passes.raise_matmul.raise_matmul import RaiseMatmulPass

Array = NDArray[Any]


@dataclass(frozen=True)
class Raised:
    """A network before and after `raise-matmul`."""

    before: Array
    after: Array
    operators: Sequence[str]
    weights: Sequence[WeightOp]

    def check(self) -> None:
        """No convolution is left, and every bit is the same."""
        assert self.weights
        assert not any("Conv" in name for name in self.operators), self.operators
        assert self.before.dtype == self.after.dtype
        assert self.before.shape == self.after.shape
        assert np.array_equal(self.before, self.after)


Raise = Callable[..., Raised]


@pytest.fixture
def raised(tmp_path: Path) -> Raise:
    """Raises nodes that read the input `x` and give `y`; `dims` are the dimensions of `x` as they are declared."""

    def run(
        nodes: NodeProto | Sequence[NodeProto],
        x: Array,
        constants: Mapping[str, Array],
        dims: Sequence[int | str] = (),
        opset: int = 17,
        result: type[np.generic] | None = None,
    ) -> Raised:
        given = [nodes] if isinstance(nodes, NodeProto) else nodes
        model = _model(given, x, constants, dims or x.shape, opset, np.dtype(result or x.dtype))
        file = tmp_path / "convolution.onnx"
        file.write_bytes(model.SerializeToString())
        (before,) = run_original(file, {"x": x})[0].values()  # in exact form: on every processor the same
        context = make_context(WeightStore())
        module = import_onnx(context, file, load_chip("tiny-4"))
        module.verify()
        network = Network.of(context, module)
        (after,) = run_graph(network_model(network), {"x": x}).values()
        ops = list(operations(network.block))
        used = [network.weight(op.symbol) for op in ops if isinstance(op, MatmulOp)]
        return Raised(np.asarray(before), after, [o.op_type.data for o in ops if isinstance(o, DigitalOp)], used)

    return run


def _model(
    nodes: Sequence[NodeProto],
    x: Array,
    constants: Mapping[str, Array],
    dims: Sequence[int | str],
    opset: int,
    result: np.dtype[Any],
) -> ModelProto:
    element, product = (helper.np_dtype_to_tensor_dtype(dtype) for dtype in (x.dtype, result))
    graph = helper.make_graph(
        nodes,
        "convolution",
        [helper.make_tensor_value_info("x", element, dims)],
        [helper.make_tensor_value_info("y", product, [f"y{i}" for i in range(x.ndim)])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.fixture
def raised_file() -> Callable[..., Network]:
    """Imports and raises a file, and demands the outputs of the original: bits of integers, floats up to rounding."""

    def checked(file: Path, inputs: Mapping[str, Array], rtol: float = 1e-4) -> Network:
        expected, _ = run_original(file, inputs)  # in exact form: on every processor the same
        context = make_context()
        module = import_onnx(context, file, load_chip("tiny-4"))
        for step in (FoldConstantsPass(), RaiseMatmulPass()):
            step.apply(context, module)
            module.verify()
        network = Network.of(context, module)
        outputs = run_graph(network_model(network), dict(inputs))
        for name, right in expected.items():
            assert outputs[name].shape == right.shape
            if right.dtype.kind == "f":
                largest = float(np.abs(right).max(initial=1))
                np.testing.assert_allclose(outputs[name], right, rtol=rtol, atol=rtol * largest, err_msg=name)
            else:
                np.testing.assert_array_equal(outputs[name], right, err_msg=name)
        return network

    return checked


@dataclass(frozen=True)
class Recurrent:
    """A recurrent node before and after `raise-matmul`: its outputs, and the weights that are multiplied by."""

    before: list[Array]
    after: list[Array]
    weights: Sequence[WeightOp]

    def check(self) -> None:
        """The numbers are the same, but for the order of float additions."""
        assert self.weights
        for before, after in zip(self.before, self.after, strict=True):
            assert before.shape == after.shape
            np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5)


RaiseRecurrent = Callable[..., Recurrent]


@pytest.fixture
def recurrent(tmp_path: Path) -> RaiseRecurrent:
    """Raises a recurrent node; arrays in `given` are inputs of the network, with a dimension that is not told."""

    def run(node: NodeProto, given: Mapping[str, Array], constants: Mapping[str, Array], opset: int = 17) -> Recurrent:
        ports = [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(array.dtype),
                [None if axis == array.ndim - 2 or array.ndim == 1 else size for axis, size in enumerate(array.shape)],
            )
            for name, array in given.items()
        ]
        results = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
        tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
        graph = helper.make_graph([node], "g", ports, results, tensors)
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
        file = tmp_path / "recurrent.onnx"
        file.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
        options = ort.SessionOptions()
        options.log_severity_level = 4
        session = ort.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
        before = [np.asarray(array) for array in session.run(None, dict(given))]
        context = make_context(WeightStore())
        module = import_onnx(context, file, load_chip("tiny-4"))
        module.verify()
        network = Network.of(context, module)
        after = run_graph(network_model(network), dict(given))
        used = [network.weight(op.symbol) for op in network.ops if isinstance(op, MatmulOp)]
        return Recurrent(before, [after[name] for name in node.output if name], used)

    return run
