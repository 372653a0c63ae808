"""Writes the reference network: what the program computes, as plain ONNX that anyone can run."""

import contextlib
import os
from collections.abc import Callable, Generator
from pathlib import Path

from onnx import ModelProto, TensorProto

from dialects.errors import UserError

INLINE_LIMIT = 1 << 30
"""Above this many bytes the weights go to a file beside the model, because protobuf ends at 2 GiB."""
_SMALL = 4096


@contextlib.contextmanager
def reference_file(path: Path | None) -> Generator[Callable[[ModelProto], None]]:
    """A function that writes a model for `path`, and weights too large for it for `<path>.data`.

    Both files take their places when the context is left without an exception; after one, nothing is written.
    Without a path the function does nothing. Raises UserError if the files cannot be written.
    """
    if path is None:
        yield lambda model: None
        return
    data = path.with_name(f"{path.name}.data")
    staged = {file.with_name(f".{file.name}.{os.getpid()}"): file for file in (data, path)}

    def write(model: ModelProto) -> None:
        new_data, new_model = staged
        with _explained(path):
            if sum(len(tensor.raw_data) for tensor in model.graph.initializer) > INLINE_LIMIT:
                _move_weights(model, new_data, data.name)
            new_model.write_bytes(model.SerializeToString())

    try:
        yield write
        with _explained(path):
            for new, final in staged.items():
                if new.exists():
                    os.replace(new, final)
    finally:
        for new in staged:
            new.unlink(missing_ok=True)


@contextlib.contextmanager
def _explained(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{path}: cannot write the reference network: {reason}") from error


def _move_weights(model: ModelProto, file: Path, name: str) -> None:
    """Move the weights of a model to `file`, which will be called `name`."""
    with file.open("wb") as stream:
        for tensor in model.graph.initializer:
            if len(tensor.raw_data) >= _SMALL:
                entries = {"location": name, "offset": str(stream.tell()), "length": str(len(tensor.raw_data))}
                stream.write(tensor.raw_data)
                tensor.ClearField("raw_data")
                tensor.data_location = TensorProto.EXTERNAL
                for key, value in entries.items():
                    tensor.external_data.add(key=key, value=value)
