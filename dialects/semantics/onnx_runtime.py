"""Runs ONNX graphs as the machine does: ONNX Runtime, one thread, every operator computed as it is written (N21).

Runs can be stopped, by Ctrl-C and by a time limit: Python handles signals only between its own instructions, so native
code gets a thread of its own. The machine has its own way to do this (cimc/machine/stoppable.py), for nothing there
stands on the compiler.
"""

import contextlib
import threading
import time
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import ModelProto

from dialects.errors import UserError
from dialects.semantics.outlined import OutlinedModel

Array = npt.NDArray[Any]


class GraphError(Exception):
    """ONNX Runtime cannot load or run a graph; the text, one line, is its reason.

    ONNX Runtime raises many types that have nothing in common, so everything that comes out of it is caught.
    """


class TooLong(UserError):
    """A graph did not end within the time limit."""


SECONDS = 600.0
"""How long a graph may run, where nothing else is said."""
LONGEST_WAIT = 0.2
"""Seconds after which signals are looked for: one that comes just before a wait does not end it."""
_seconds: ContextVar[float] = ContextVar("_seconds", default=SECONDS)


@contextlib.contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """In this block no graph may run longer."""
    before = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(before)


def session(model: ModelProto | OutlinedModel | str, packed: bool = True) -> onnxruntime.InferenceSession:
    """A session for a graph, or for the file of that name: no optimisations, one thread.

    With `packed` weights as kernels have them, which need not be of the same bits as without: multiplications by floats
    add up in another order then. Packing takes memory and time, which a single run does not win back.
    Raises GraphError where the graph cannot be loaded.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")  # and no other, whatever the bytes look like
    if not packed:
        options.add_session_config_entry("session.disable_prepacking", "1")
    if isinstance(model, OutlinedModel):
        made = [onnxruntime.OrtValue.ortvalue_from_numpy(later.make()) for later in model.constants.values()]
        options.add_external_initializers(list(model.constants), made)
        model = model.proto
    try:
        return onnxruntime.InferenceSession(model if isinstance(model, str) else model.SerializeToString(), options)
    except Exception as error:
        raise GraphError(_one_line(error)) from error


def run_graph(
    model: ModelProto | OutlinedModel | str, inputs: Mapping[str, Array], packed: bool = True
) -> dict[str, Array]:
    """The outputs of a graph by name, its weights `packed` or not; inputs that it does not have are ignored.

    Raises GraphError where the graph cannot be loaded or run, TooLong where it does not end within the time limit,
    and KeyboardInterrupt at once.
    """
    options, seconds = onnxruntime.RunOptions(), _seconds.get()
    outcome: Future[dict[str, Array]] = Future()

    def run() -> None:
        try:
            outcome.set_result(_outputs(session(model, packed), inputs, options))
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="stoppable work")
    end = time.monotonic() + seconds
    try:
        thread.start()
        while thread.is_alive() and (left := end - time.monotonic()) > 0:
            thread.join(min(left, LONGEST_WAIT))
        if thread.is_alive():
            raise TooLong(f"ONNX Runtime took longer than {seconds:g} s: allow more with --time-limit")
    finally:
        options.terminate = True  # nobody waits for what may still be running
    return outcome.result()


def _outputs(
    loaded: onnxruntime.InferenceSession, inputs: Mapping[str, Array], options: onnxruntime.RunOptions
) -> dict[str, Array]:
    try:
        names = [output.name for output in loaded.get_outputs()]  # a name that is no UTF-8 raises
        known = {entry.name for entry in loaded.get_inputs()}
    except UnicodeDecodeError as error:
        raise GraphError("an input or output has a name that is no UTF-8") from error
    feeds = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in inputs.items() if name in known}
    try:
        return dict(zip(names, loaded.run(names, feeds, options)))
    except Exception as error:
        raise GraphError(_one_line(error)) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
