"""Networks as a Python program has them: a path, the bytes of an ONNX file, or the `ModelProto` that these spell."""

import contextlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import TypeAlias

from google.protobuf.message import EncodeError
from onnx import ModelProto
from onnx.external_data_helper import uses_external_data

from cimc.program.errors import ProgramError
from dialects.errors import UserError

Model: TypeAlias = str | os.PathLike[str] | bytes | ModelProto
NAME = "model.onnx"
"""What a network without a file of its own is called in its program."""


@contextlib.contextmanager
def model_file(model: Model, role: str = "model") -> Generator[Path]:
    """The file of a network, which is there until the context is left; messages about it name what was given.

    Raises UserError, naming the `role`, for what is no network, or one in memory whose weights lie in other files.
    """
    if isinstance(model, str | os.PathLike):
        yield Path(model)
        return
    name, content = type(model).__name__, _content(model, role)
    with tempfile.TemporaryDirectory(prefix="cimc-") as folder:
        file = Path(folder, NAME)
        file.write_bytes(content)
        del content
        try:
            yield file
        except UserError as error:
            raise UserError(str(error).replace(os.fspath(file), name)) from error
        except ProgramError as error:
            raise ProgramError(str(error).replace(os.fspath(file), name)) from error


def _content(model: object, role: str) -> bytes:
    """The bytes of a network in memory."""
    if isinstance(model, bytes):
        return model
    if not isinstance(model, ModelProto):
        raise UserError(
            f"{role} is of type {type(model).__qualname__}: expected a path, the bytes of an ONNX file or an "
            f"onnx.ModelProto{_advice(model)}"
        )
    outside = next((tensor for tensor in model.graph.initializer if uses_external_data(tensor)), None)
    if outside is not None:
        raise UserError(
            f"ModelProto: the weight {outside.name!r} lies in a file of its own: give the path of the model, or "
            "load it with onnx.load, which reads them all"
        )
    try:
        return serialized(model)
    except (EncodeError, ValueError) as error:
        raise UserError(
            "ModelProto: it is larger than the 2 GB that protobuf can write: expected the path of a file, saved with "
            "onnx.save_model(model, path, save_as_external_data=True)"
        ) from error


def serialized(model: ModelProto) -> bytes:
    """The bytes of an ONNX file; EncodeError or ValueError (of protobuf) if these would be more than 2 GB."""
    return model.SerializeToString()


def _advice(model: object) -> str:
    """What to do with networks of other libraries."""
    if any(kind.__module__.partition(".")[0] == "torch" for kind in type(model).__mro__):
        return "; torch.onnx.export makes one of it"
    return ""
