"""Runs kernels, the digital operations of a program, in ONNX Runtime: unoptimised and on one thread."""

import os
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from cimc.machine.model_files import verify_model_file
from cimc.machine.stoppable import TooLong, stoppable
from cimc.program.errors import ProgramError
from cimc.program.metadata import Kernel
from cimc.program.one_line import one_line
from cimc.program.program import Program

_FATAL_ONLY = 4  # failures are raised; ONNX Runtime need not print them as well


class Session:
    """An ONNX model in ONNX Runtime; its runs are stoppable."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self.session = session

    def get_outputs(self) -> list[onnxruntime.NodeArg]:
        return self.session.get_outputs()

    def run(self, names: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs of those names; raises TooLong, or what ONNX Runtime raises."""
        return stoppable(lambda options: self.session.run(names, feeds, options))


def plain_session(
    model: str | bytes | PathLike[str], constants: Mapping[str, onnxruntime.OrtValue] | None = None
) -> Session:
    """A session that computes exactly the nodes of `model`, in order (N21); `constants` replace its external data.

    A file may have external data in its own folder only. Raises ProgramError for one that has other data or grows
    beyond all bounds, or what ONNX Runtime raises.
    """
    if not isinstance(model, bytes):
        file = Path(model)
        beside = verify_model_file(file)
        if os.fsencode(file).decode(errors="replace") != os.fspath(file):  # ONNX Runtime takes no such names
            if beside:
                raise ProgramError("its name is no UTF-8, which files with data beside them must have: rename it")
            model = file.read_bytes()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.load_model_format", "ONNX")  # and no other, whatever the bytes look like
    if constants:
        options.add_external_initializers(list(constants), list(constants.values()))
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], enable_fallback=False
    )  # there is no other provider to fall back to, and doing so prints
    return Session(session)


class OnnxKernels:
    """The kernels of a program as sessions, which share its constants.

    ONNX Runtime raises many unrelated types of exceptions; all of them become ProgramError here.
    """

    def __init__(self, program: Program) -> None:
        self.kernels = program.kernels
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(constant) for constant in program.constants]
        self.sessions = [self._load(number, kernel, values) for number, kernel in enumerate(self.kernels)]

    def run(self, number: int, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs of kernel `number`, in the order of its output slots (I9)."""
        kernel = self.kernels[number]
        feeds = {f"v{slot}": value for slot, value in zip(kernel.inputs, inputs, strict=True)}
        try:
            return self.sessions[number].run([f"v{slot}" for slot in kernel.outputs], feeds)
        except TooLong:
            raise
        except Exception as error:
            raise ProgramError(f"{_describe(number, kernel)} fails in ONNX Runtime: {one_line(error)}") from error

    def _load(self, number: int, kernel: Kernel, values: Sequence[onnxruntime.OrtValue]) -> Session:
        try:
            return plain_session(kernel.model, {f"constant{i}": values[i] for i in kernel.constants})
        except Exception as error:
            raise ProgramError(
                f"{_describe(number, kernel)} is not accepted by ONNX Runtime: {one_line(error)}"
            ) from error


def _describe(number: int, kernel: Kernel) -> str:
    names = ", ".join(kernel.nodes[:3]) + (" ..." if len(kernel.nodes) > 3 else "")
    return f"kernel {number} (nodes {names})"
