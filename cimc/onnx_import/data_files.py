"""The files beside an ONNX network that hold its weights, without reading the weights."""

from pathlib import Path

from google.protobuf.message import DecodeError

from cimc.program.onnx_models.large_files import LARGE_FILE, in_file, parsed
from cimc.program.onnx_models.walk import location_of, tensors_of


def data_files(file: Path) -> list[Path]:
    """The files of external data that a network names, at any depth; none if it cannot be read, as its reader tells."""
    try:
        if file.stat().st_size < LARGE_FILE and b"location" not in file.read_bytes():
            return []  # without the key of a file's name; nearly all networks are done here
        model = parsed(file)
        for tensor in in_file(model, file):
            tensor.ClearField("external_data")
        names = {name for tensor in tensors_of(model) if (name := location_of(tensor))}
    except (OSError, DecodeError, ValueError):
        return []
    return [file.parent / name for name in sorted(names) if "\0" not in name]
