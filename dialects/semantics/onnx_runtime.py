"""Runs ONNX graphs as the machine does: ONNX Runtime, one thread, every operator computed as it is written."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import ModelProto

Array = npt.NDArray[Any]

RUNTIME_ERRORS = (RuntimeError, ValueError, NotImplementedError)
"""What ONNX Runtime raises when it cannot load or run a graph (its own exceptions derive from RuntimeError)."""


def session(model: ModelProto | str) -> onnxruntime.InferenceSession:
    """A session for a graph, or for the file of that name: no optimisations, one thread.

    Raises one of RUNTIME_ERRORS where the graph cannot be loaded.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model if isinstance(model, str) else model.SerializeToString(), options)


def run_graph(model: ModelProto | str, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of a graph by name; inputs that it does not have are ignored."""
    loaded = session(model)
    names = [output.name for output in loaded.get_outputs()]
    known = {entry.name for entry in loaded.get_inputs()}
    feeds = {name: np.ascontiguousarray(array) for name, array in inputs.items() if name in known}
    return dict(zip(names, loaded.run(names, feeds)))
