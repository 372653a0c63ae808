"""The files beside an ONNX network that hold its weights, without reading the weights."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from cimc.program.onnx_models.walk import location_of, tensors_of


def data_files(file: Path) -> list[Path]:
    """The files of external data that a network names, at any depth; none if it cannot be read, as its reader tells."""
    try:
        content = file.read_bytes()
        if b"location" not in content:  # the key of a file's name: nearly all networks are done here
            return []
        model = onnx.load_model_from_string(content)
        names = {name for tensor in tensors_of(model) if (name := location_of(tensor))}
    except (OSError, DecodeError, ValueError):
        return []
    return [file.parent / name for name in sorted(names) if "\0" not in name]
