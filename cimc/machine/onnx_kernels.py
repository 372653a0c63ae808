"""Runs kernels, the digital operations of a program, in ONNX Runtime: unoptimised and on one thread."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import onnxruntime
from numpy.typing import NDArray

from cimc.machine.model_files import verify_model_file
from cimc.machine.shared_models import SharedModel, shared_models
from cimc.machine.stoppable import stoppable
from cimc.program.errors import ProgramError
from cimc.program.metadata import Kernel
from cimc.program.one_line import one_line
from cimc.program.program import Program

Feed: TypeAlias = NDArray[Any] | onnxruntime.OrtValue
Feeds: TypeAlias = dict[str, Feed]
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

    def end_profile(self) -> str:
        """The file of the profile of all runs, which ends with it."""
        return self.session.end_profiling()


def plain_session(
    model: str | bytes | PathLike[str],
    constants: Mapping[str, onnxruntime.OrtValue] | None = None,
    packed: bool = True,
    profile: str | None = None,
    early: bool = False,
) -> Session:
    """A session that computes exactly the nodes of `model`, in order (N21); `constants` replace its external data.

    Weights are not `packed` for a single run whose last bits do not matter: that saves as much memory as they take.
    What each node does is noted in a file whose name begins with `profile`. Shapes are told as `early` as they can be.
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
    return Session(_load(model, constants or {}, packed, profile, early))


def _load(
    model: str | bytes | PathLike[str],
    constants: Mapping[str, onnxruntime.OrtValue],
    packed: bool = True,
    profile: str | None = None,
    early: bool = False,
) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.load_model_format", "ONNX")  # and no other, whatever the bytes look like
    if not packed:
        options.add_session_config_entry("session.disable_prepacking", "1")
    if early:
        options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, profile
    if constants:
        options.add_external_initializers(list(constants), list(constants.values()))
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], enable_fallback=False
    )  # there is no other provider to fall back to, and doing so prints


@dataclass(frozen=True)
class _Call:
    """How a kernel runs: the names of its inputs and outputs, and what further inputs are given."""

    run: Callable[[Sequence[str], Feeds, onnxruntime.RunOptions | None], list[NDArray[Any]]]
    read: Callable[[Mapping[int, NDArray[Any]]], Sequence[NDArray[Any]]]
    """Takes the inputs from values by slot."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    given: Mapping[str, Feed]


def _run_of(session: onnxruntime.InferenceSession) -> Callable[..., list[NDArray[Any]]]:
    """What runs a session: if it can be, without what ONNX Runtime's Python class checks before each run."""
    return getattr(session, "_sess", session).run


def _reader(slots: Sequence[int]) -> Callable[[Mapping[int, NDArray[Any]]], Sequence[NDArray[Any]]]:
    """What takes the values of slots."""
    if len(slots) > 1:
        return itemgetter(*slots)  # faster than Python
    return lambda values: [values[slot] for slot in slots]


class OnnxKernels:
    """The kernels of a program as sessions, one for all that are alike; they share the program's constants.

    ONNX Runtime raises many unrelated types of exceptions; all of them become ProgramError here.
    """

    def __init__(self, program: Program) -> None:
        self.kernels = program.kernels
        self.constants = [onnxruntime.OrtValue.ortvalue_from_numpy(constant) for constant in program.constants]
        shared = dict(chain.from_iterable(map(self._shared, shared_models(self.kernels))))
        self.calls = [shared.get(number) or self._own(number) for number in range(len(self.kernels))]

    def feeds(self, number: int, values: Mapping[int, NDArray[Any]]) -> Feeds:
        """What kernel `number` is run with, of values by slot."""
        call = self.calls[number]
        feeds: Feeds = dict(zip(call.inputs, call.read(values)))
        if call.given:
            feeds.update(call.given)
        return feeds

    def run(self, number: int, feeds: Feeds, options: onnxruntime.RunOptions | None = None) -> list[NDArray[Any]]:
        """The outputs of kernel `number`, in the order of its output slots (I9)."""
        call = self.calls[number]
        try:
            return call.run(call.outputs, feeds, options)
        except Exception as error:
            reason = one_line(error)
            if options is None or not options.terminate:
                reason = self._reason(number, [feeds[name] for name in call.inputs], options) or reason
            raise ProgramError(f"{_describe(number, self.kernels[number])} fails in ONNX Runtime: {reason}") from error

    def _reason(self, number: int, inputs: Sequence[Feed], options: onnxruntime.RunOptions | None) -> str:
        """What ONNX Runtime says where it knows the kernel's own names."""
        call = self._own(number)
        try:
            call.run(call.outputs, dict(zip(call.inputs, inputs, strict=True)), options)
        except Exception as error:
            return one_line(error)
        return ""

    def _shared(self, shared: SharedModel) -> Iterator[tuple[int, _Call]]:
        """How kernels run that are alike; none of them if ONNX Runtime refuses what they share."""
        named = {f"constant{i}": value for i, value in enumerate(self.constants)}
        try:
            session = _load(shared.model, {name: named[name] for name in shared.external})
        except Exception:
            return  # it will refuse each of them as well, and say why
        run_of = _run_of(session)
        for number, run in shared.runs.items():
            given = {name: named[value] if isinstance(value, str) else value for name, value in run.given.items()}
            yield number, _Call(run_of, _reader(self.kernels[number].inputs), run.inputs, run.outputs, given)

    def _own(self, number: int) -> _Call:
        """How a kernel runs with a session of its own."""
        kernel = self.kernels[number]
        inputs, outputs = (tuple(f"v{slot}" for slot in slots) for slots in (kernel.inputs, kernel.outputs))
        try:
            session = _load(kernel.model, {f"constant{i}": self.constants[i] for i in kernel.constants})
        except Exception as error:
            raise ProgramError(
                f"{_describe(number, kernel)} is not accepted by ONNX Runtime: {one_line(error)}"
            ) from error
        return _Call(_run_of(session), _reader(kernel.inputs), inputs, outputs, {})


def _describe(number: int, kernel: Kernel) -> str:
    names = ", ".join(kernel.nodes[:3]) + (" ..." if len(kernel.nodes) > 3 else "")
    return f"kernel {number} (nodes {names})"
