"""Networks in ONNX Runtime as they are, read with the same cache as programs."""

from collections.abc import Sequence
from dataclasses import dataclass

import onnxruntime

from cimc.language.context import Context, Values
from cimc.language.ports import ports_of
from cimc.program.metadata import Input, Value

_TYPES = {"float": "float32", "double": "float64"}
"""Element types that numpy calls otherwise."""


@dataclass(frozen=True)
class _Signature:
    inputs: Sequence[Input]
    outputs: Sequence[Value]


def onnx_context(session: onnxruntime.InferenceSession, batch: int = 1) -> Context:
    """A context of a network that ONNX Runtime has loaded; ProgramError if it is no language model."""
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Values) -> Values:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return Context(ports_of(_signature(session)), run, batch)


def _signature(session: onnxruntime.InferenceSession) -> _Signature:
    return _Signature(
        [Input(port.name, _dtype(port.type), tuple(port.shape), 0) for port in session.get_inputs()],
        [Value(port.name, _dtype(port.type), tuple(port.shape), 0) for port in session.get_outputs()],
    )


def _dtype(type_: str) -> str:
    """The name that numpy has for a type such as tensor(float)."""
    element = type_.removeprefix("tensor(").removesuffix(")")
    return _TYPES.get(element, element)
