"""Writes the reference network: what the program computes, as plain ONNX that anyone can run."""

import contextlib
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from onnx import GraphProto, ModelProto, TensorProto

from cimc.files.whole_file import is_stream, name_of, whole_file
from dialects.errors import UserError
from dialects.semantics.outlined import Later, OutlinedModel

INLINE_LIMIT = 1 << 30
"""Above this many bytes the weights go to a file beside the model, because protobuf ends at 2 GiB."""
_SMALL = 4096


@contextlib.contextmanager
def reference_file(path: Path | None) -> Generator[Callable[[OutlinedModel], None]]:
    """A function that writes a model for `path`, and weights too large for it for `<path>.data`.

    Both files take their places when the context is left without an exception; after one, nothing is written.
    Without a path the function does nothing. Raises UserError if the files cannot be written.
    """
    if path is None:
        yield lambda model: None
        return
    data = data_of(path)
    beside = contextlib.nullcontext(Path()) if is_stream(path) else whole_file(data, UserError)
    with whole_file(path, UserError) as new_model, beside as new_data:

        def write(model: OutlinedModel) -> None:
            inline = sum(len(tensor.raw_data) for tensor in model.proto.graph.initializer)
            if model.nbytes + inline <= INLINE_LIMIT:
                with new_model.open("wb") as stream:
                    _write_inline(model, stream)
                return
            if is_stream(path):
                raise UserError(
                    f"{name_of(path)}: cannot be written: the weights need a file beside it, "
                    "expected the name of a file"
                )
            with new_data.open("wb") as stream:
                proto = _with_data_in(model, stream, data.name)
            new_model.write_bytes(proto.SerializeToString())

        yield write
        if not is_stream(path) and new_data.exists() and data.exists():
            path.resolve().unlink(missing_ok=True)  # the old one must never be found with the new weights


def data_of(path: Path) -> Path:
    """The file with the large weights of the reference in `path`."""
    return path.with_name(f"{path.name}.data")


def _with_data_in(model: OutlinedModel, stream: BinaryIO, name: str) -> ModelProto:
    """The model with its weights in `stream`, the file that will be called `name`."""
    proto = _copied(model.proto)
    for tensor in proto.graph.initializer:
        if tensor.name in model.constants:
            content: bytes | memoryview = _bytes_of(model.constants[tensor.name])
        elif len(tensor.raw_data) >= _SMALL:
            content = tensor.raw_data
        else:
            continue
        entries = {"location": name, "offset": str(stream.tell()), "length": str(len(content))}
        stream.write(content)
        tensor.ClearField("raw_data")
        del tensor.external_data[:]
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
    return proto


def _bytes_of(constant: Later) -> memoryview:
    return np.ascontiguousarray(constant.make()).reshape(-1).view(np.uint8).data


def _write_inline(model: OutlinedModel, stream: BinaryIO) -> None:
    """Write the model as one message, each large weight made when its turn comes.

    In protobuf's format, a message inside of another is a field with its length before it, and fields may come in any
    order: the graph is the last of the model's, and the large initializers are the last of the graph's.
    """
    proto, constants = _copied(model.proto), model.constants
    graph = GraphProto()
    graph.CopyFrom(proto.graph)
    proto.ClearField("graph")
    del graph.initializer[:]
    graph.initializer.extend(tensor for tensor in model.proto.graph.initializer if tensor.name not in constants)
    small = graph.SerializeToString()
    heads = {
        tensor.name: _head(tensor, constants) for tensor in model.proto.graph.initializer if tensor.name in constants
    }
    lengths = {name: len(head) + constants[name].nbytes for name, head in heads.items()}
    before = {name: _field(_GRAPH_INITIALIZER, length) for name, length in lengths.items()}
    whole = len(small) + sum(lengths.values()) + sum(map(len, before.values()))
    stream.writelines((proto.SerializeToString(), _field(_MODEL_GRAPH, whole), small))
    for name, head in heads.items():
        stream.writelines((before[name], head, _bytes_of(constants[name])))


_MODEL_GRAPH = ModelProto.GRAPH_FIELD_NUMBER
_GRAPH_INITIALIZER = GraphProto.INITIALIZER_FIELD_NUMBER
_RAW_DATA = TensorProto.RAW_DATA_FIELD_NUMBER


def _copied(proto: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(proto)
    return copy


def _head(tensor: TensorProto, constants: Mapping[str, Later]) -> bytes:
    """The message of an initializer up to its bytes."""
    head = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    return head.SerializeToString() + _field(_RAW_DATA, constants[tensor.name].nbytes)


def _field(number: int, length: int) -> bytes:
    """What stands before the bytes of a field that is a message or bytes."""
    return bytes([*_varint(number << 3 | 2), *_varint(length)])


def _varint(number: int) -> Iterable[int]:
    """Seven bits a byte, the lowest first; the highest bit tells that there are more."""
    while number > 0x7F:
        yield number & 0x7F | 0x80
        number >>= 7
    yield number
