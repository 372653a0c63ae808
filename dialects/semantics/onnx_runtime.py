"""Runs ONNX graphs as the machine does: ONNX Runtime, one thread, every operator computed as it is written."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import ModelProto

Array = npt.NDArray[Any]


class GraphError(Exception):
    """ONNX Runtime cannot load or run a graph; the text, one line, is its reason.

    ONNX Runtime raises many types that have nothing in common, so everything that comes out of it is caught.
    """


def session(model: ModelProto | str) -> onnxruntime.InferenceSession:
    """A session for a graph, or for the file of that name: no optimisations, one thread.

    Raises GraphError where the graph cannot be loaded.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model if isinstance(model, str) else model.SerializeToString(), options)
    except Exception as error:
        raise GraphError(_one_line(error)) from error


def run_graph(model: ModelProto | str, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of a graph by name; inputs that it does not have are ignored.

    Raises GraphError where the graph cannot be loaded or run.
    """
    loaded = session(model)
    try:
        names = [output.name for output in loaded.get_outputs()]  # a name that is no UTF-8 raises
        known = {entry.name for entry in loaded.get_inputs()}
    except UnicodeDecodeError as error:
        raise GraphError("an input or output has a name that is no UTF-8") from error
    feeds = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in inputs.items() if name in known}
    try:
        return dict(zip(names, loaded.run(names, feeds)))
    except Exception as error:
        raise GraphError(_one_line(error)) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
