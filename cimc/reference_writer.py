"""Writes the reference network: what the program computes, as plain ONNX that anyone can run."""

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path

from onnx import ModelProto, TensorProto

from cimc.files.whole_file import whole_file
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
    data = data_of(path)
    with whole_file(path, UserError) as new_model, whole_file(data, UserError) as new_data:

        def write(model: ModelProto) -> None:
            if sum(len(tensor.raw_data) for tensor in model.graph.initializer) > INLINE_LIMIT:
                if path.exists() and not path.is_file():
                    raise UserError(
                        f"{path}: cannot be written: the weights need a file beside it, expected the name of a file"
                    )
                _move_weights(model, new_data, data.name)
            new_model.write_bytes(model.SerializeToString())

        yield write
        if new_data.exists() and data.exists():
            path.resolve().unlink(missing_ok=True)  # the old one must never be found with the new weights


def data_of(path: Path) -> Path:
    """The file with the large weights of the reference in `path`."""
    return path.with_name(f"{path.name}.data")


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
