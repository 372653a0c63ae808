"""Large ONNX files: weights in them are mapped from where they stand, as weights are that lie beside the model.

Protobuf reads a file into memory and copies all of it, keeps that as long as any part of the model lives, and copies
each weight that is asked for once more. So a large file is read field by field (protobuf's wire format: a tag, and for
texts, bytes and messages a length), and bytes of weights are passed over.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, helper

LARGE_FILE = 1 << 26
"""Bytes of a file that is read field by field."""
_LARGE = 1 << 12
"""Bytes of a weight that stays in the file."""
_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
"""Fields: of ModelProto, of GraphProto, of TensorProto."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_HEAD = 20
"""Bytes of a tag and a length."""


def parsed(file: Path) -> ModelProto:
    """The model in a file; large initializers of a large file have external data, which is the file itself.

    Raises OSError if it cannot be read, DecodeError or ValueError if it is no model.
    """
    size = file.stat().st_size
    if size < LARGE_FILE:
        return onnx.load_model_from_string(file.read_bytes())
    model = ModelProto()
    with file.open("rb") as stream:
        for field in _fields(stream, 0, size):
            if field.is_message(_GRAPH):
                model.graph.SetInParent()
                _read_graph(model, stream, field, file.resolve().name)
            else:
                model.MergeFromString(field.read(stream))
    return model


def in_file(model: ModelProto, file: Path) -> list[TensorProto]:
    """The initializers whose bytes `parsed` left in the file."""
    name = file.resolve().name
    return [
        tensor
        for tensor in model.graph.initializer
        if any(entry.key == "location" and entry.value == name for entry in tensor.external_data)
    ]


@dataclass(frozen=True)
class _Field:
    """A field of a message: number, wire type, and where it begins, its content begins, and it ends in the file."""

    number: int
    wire: int
    begin: int
    content: int
    end: int

    def is_message(self, number: int) -> bool:
        return self.number == number and self.wire == _BYTES

    def read(self, stream: BinaryIO) -> bytes:
        """All of the field, its tag included: a message of this one field."""
        return _read(stream, self.begin, self.end)


def _read_graph(model: ModelProto, stream: BinaryIO, graph: _Field, name: str) -> None:
    for field in _fields(stream, graph.content, graph.end):
        if field.is_message(_INITIALIZER):
            model.graph.initializer.append(_tensor(stream, field, name))
        else:
            model.graph.MergeFromString(field.read(stream))


def _tensor(stream: BinaryIO, initializer: _Field, name: str) -> TensorProto:
    """An initializer; one with large bytes, as many as its type and shape have, names them in the file `name`."""
    fields = list(_fields(stream, initializer.content, initializer.end))
    raw = [field for field in fields if field.is_message(_RAW_DATA)]
    if len(raw) == 1 and raw[0].end - raw[0].content >= _LARGE:
        others = (field.read(stream) for field in fields if field is not raw[0])
        tensor = TensorProto.FromString(b"".join(others))
        if tensor.data_location != TensorProto.EXTERNAL and _bytes_of(tensor) == raw[0].end - raw[0].content:
            tensor.data_location = TensorProto.EXTERNAL
            entries = ("location", name), ("offset", raw[0].content), ("length", raw[0].end - raw[0].content)
            for key, value in entries:
                tensor.external_data.add(key=key, value=str(value))
            return tensor
    return TensorProto.FromString(_read(stream, initializer.content, initializer.end))


def _bytes_of(tensor: TensorProto) -> int | None:
    """The bytes that a tensor of this type and shape has in a file; None for types that are packed, or no numbers."""
    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    except KeyError:
        return None
    return math.prod(tensor.dims) * dtype.itemsize if dtype.isbuiltin == 1 and dtype.kind in "fiub" else None


def _fields(stream: BinaryIO, begin: int, end: int) -> Iterator[_Field]:
    """The fields of the message that lies between two places of a file."""
    while begin < end:
        head = _read(stream, begin, min(begin + _LONGEST_HEAD, end))
        tag, after = _varint(head, 0)
        wire, length = tag & 7, 0
        if wire == _VARINT:
            _, after = _varint(head, after)
        elif wire == _BYTES:
            length, after = _varint(head, after)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise DecodeError(f"a field of wire type {wire}")
        content = begin + after
        if content + length > end:
            raise DecodeError(f"a field of {length} bytes ends after the {end - content} that there are")
        yield _Field(tag >> 3, wire, begin, content, content + length)
        begin = content + length


def _varint(head: bytes, place: int) -> tuple[int, int]:
    """The number that is written from `place` on, seven bits a byte, and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        if place == len(head):
            break
        byte = head[place]
        value, place = value | (byte & 0x7F) << shift, place + 1
        if byte < 0x80:
            return value, place
    raise DecodeError("a number without end")


def _read(stream: BinaryIO, begin: int, end: int) -> bytes:
    stream.seek(begin)
    return stream.read(end - begin)
