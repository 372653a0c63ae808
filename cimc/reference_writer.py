"""Writes the reference network: what the program computes, as plain ONNX that anyone can run."""

import os
from pathlib import Path

from onnx import ModelProto, TensorProto

from dialects.errors import UserError

INLINE_LIMIT = 1 << 30
"""Above this many bytes the weights go to a file beside the model, because protobuf ends at 2 GiB."""
_SMALL = 4096


def write_reference(model: ModelProto, path: Path) -> None:
    """Write `model` to `path`, and weights too large for it to `<path>.data`; all of it or nothing."""
    data = path.with_name(f"{path.name}.data")
    temporary, new_data = (file.with_name(f".{file.name}.{os.getpid()}") for file in (path, data))
    try:
        if sum(len(tensor.raw_data) for tensor in model.graph.initializer) > INLINE_LIMIT:
            _move_weights(model, new_data, data.name)
            os.replace(new_data, data)
        temporary.write_bytes(model.SerializeToString())
        os.replace(temporary, path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{path}: cannot write the reference network: {reason}") from error
    finally:
        temporary.unlink(missing_ok=True)
        new_data.unlink(missing_ok=True)


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
