"""ONNX files from outside that are run as they are: they may read what lies in their own folder, and grow so far."""

from pathlib import Path

from google.protobuf.message import DecodeError
from onnx import ModelProto

from cimc.program.errors import ProgramError
from cimc.program.one_line import one_line
from cimc.program.onnx_models.large_files import in_file, parsed
from cimc.program.onnx_models.walk import MOST_NODES, expanded_nodes, location_of, tensors_of

_ADDRESSES = "_ORT_MEM_ADDR_"
"""Part of the location by which ONNX Runtime, in some versions, means an address in memory."""


def verify_model_file(file: Path) -> bool:
    """Whether a file has external data. Raises ProgramError for data outside of its folder, or too many nodes.

    A file that is no ONNX is left to ONNX Runtime, which says so.
    """
    try:
        model = parsed(file)
    except (OSError, DecodeError, ValueError):
        return False
    for tensor in in_file(model, file):
        tensor.ClearField("data_location")
        tensor.ClearField("external_data")
    verify_functions(model)
    return verify_data(model, file.resolve().parent)


def verify_data(model: ModelProto, folder: Path) -> bool:
    """Whether any tensor, at any depth, has its numbers in a file; ProgramError for one not in `folder` or below."""
    known: set[str | None] = {None}
    for location in map(location_of, tensors_of(model)):
        if location in known:
            continue
        known.add(location)
        if not location or _ADDRESSES in location or folder not in _resolved(folder, location).parents:
            raise ProgramError(f"external data {one_line(location)!r} is outside the model's folder, which is refused")
    return len(known) > 1


def _resolved(folder: Path, location: str) -> Path:
    try:
        return (folder / location).resolve()
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, links in a circle
        return Path()


def verify_functions(model: ModelProto) -> None:
    """Raises ProgramError if a model's functions call each other so often that its nodes could not be written down."""
    try:
        nodes = expanded_nodes(model)
    except ValueError as error:
        raise ProgramError(str(error)) from error
    if nodes > MOST_NODES:
        raise ProgramError(
            f"the model has {nodes:.4g} nodes once its functions are expanded, expected at most {MOST_NODES}"
        )
