"""Changes to files that a fuzzer makes: to bytes, to words of a text, to fields of a model or of a program."""

import contextlib
import hashlib
import json
import random
import re
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from onnx import ModelProto

from cimc.program.container import Container, read_container, write_container
from cimc.program.errors import ProgramError

NUMBERS = (0, 1, -1, 2, 7, 255, 256, 2**15, 2**31 - 1, -(2**31), 2**32, 2**62, 2**63 - 1, -(2**63), 10**40)
WORDS = (
    b"-1", b"0", b"1e999", b"nan", b"9" * 5000, b"\xff", b"\0", b"\x1b[2J", b"[" * 2000, b"{" * 500, b"<" * 500, b'"',
    b"", b"18446744073709551616", b"i1000000", b"?", b"-9223372036854775808", b"true", b"a" * 600, "\u202e".encode(),
)  # fmt: skip


def changed_bytes(dice: random.Random, data: bytes) -> bytes:
    """Bits flipped, and pieces cut out, doubled or overwritten."""
    content = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 4, 16))):
        first = dice.randrange(len(content) + 1)
        last = min(len(content), first + dice.choice((1, 1, 2, 8, 64, 1000)))
        match dice.randrange(5):
            case 0 if content:
                content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
            case 1:
                del content[first:last]
            case 2:
                content[first:first] = content[first:last]
            case 3:
                content[first:last] = dice.randbytes(last - first)
            case _:
                content[first:last] = dice.choice(NUMBERS[:14]).to_bytes(8, "little", signed=True)
    return bytes(content)


def changed_text(dice: random.Random, data: bytes) -> bytes:
    """Words and signs replaced, cut out, doubled and moved; sometimes bytes."""
    if not dice.randrange(5):
        return changed_bytes(dice, data)
    words = re.findall(rb"\w+|\s+|[^\w\s]", data)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        place = dice.randrange(len(words))
        match dice.randrange(5):
            case 0:
                del words[place]
            case 1:
                words.insert(place, words[place])
            case 2:
                words[place] = words[dice.randrange(len(words))]
            case 3:
                words[place] = str(dice.choice(NUMBERS)).encode()
            case _:
                words[place] = dice.choice(WORDS)
    return b"".join(words)


def changed_model(dice: random.Random, data: bytes) -> bytes:
    """Fields of an ONNX model with other values, left out, doubled or taken from elsewhere; sometimes bytes."""
    if not dice.randrange(4):
        return changed_bytes(dice, data)
    try:
        model = ModelProto.FromString(data)
    except DecodeError:  # it was changed before
        return changed_bytes(dice, data)
    for _ in range(dice.choice((1, 1, 2, 3))):
        change_message(dice, dice.choice(list(messages(model))))
    try:
        return model.SerializeToString()
    except (ValueError, UnicodeError):
        return data


def messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                yield from messages(inner)


def change_message(dice: random.Random, message: Message) -> None:
    """Change one field; names of dimensions, operators and types are as likely as numbers."""
    field: Any = dice.choice(list(message.DESCRIPTOR.fields))
    present: list[Any] = [found for found, _ in message.ListFields()]
    if present and dice.randrange(4):
        field = dice.choice(present)
    value: Any = getattr(message, field.name)
    if not dice.randrange(5):
        message.ClearField(field.name)
    elif field.message_type is not None and field.is_repeated:
        if value and dice.randrange(2):
            value.add().CopyFrom(dice.choice(list(value)))
        elif value:
            del value[dice.randrange(len(value))]
        else:
            value.add()
    elif field.message_type is not None:
        value.SetInParent()
    else:
        with contextlib.suppress(ValueError, TypeError, OverflowError):  # it does not fit the field: as well
            new = other_value(dice, field)
            if not field.is_repeated:
                setattr(message, field.name, new)
            elif value and dice.randrange(2):
                value[dice.randrange(len(value))] = new
            else:
                value.append(new)


OPERATORS = ("MatMul", "Reshape", "Gather", "Loop", "If", "Cast", "Attention", "Max", "Einsum", "Conv", "Frob", "Slice")
NAMES = ("", "x", "w", "y", "n", "ai.onnx", "com.microsoft", "a\nb\x1b[2J", "\u202e", "a" * 700)


def other_value(dice: random.Random, field: FieldDescriptor) -> Any:
    if field.type == FieldDescriptor.TYPE_STRING:
        return dice.choice((*OPERATORS, *NAMES))
    if field.type == FieldDescriptor.TYPE_BYTES:
        return dice.choice((b"", b"\xff", b"linear", dice.randbytes(8), b"a" * 700))
    if field.type in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE):
        return dice.choice((0.0, -1.0, float("nan"), float("inf"), 1e38))
    return dice.choice((*NUMBERS[:14], *range(24)))


def changed_program(dice: random.Random, data: bytes) -> bytes:
    """A program with other metadata, numbers or kernels, sealed with a digest that fits; sometimes bytes."""
    if not dice.randrange(6):
        return changed_bytes(dice, data)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "p.cim")
        file.write_bytes(data)
        container = read_container(file)
        tensors = {name: np.array(tensor) for name, tensor in container.tensors.items()}
        metadata: dict[str, Any] = json.loads(container.metadata)
        del metadata["digest"]
        for _ in range(dice.choice((1, 1, 2))):
            if dice.randrange(2):
                change_json(dice, metadata)
            else:
                change_tensor(dice, tensors)
        with contextlib.suppress(ProgramError, ValueError, UnicodeError):
            write_container(file, Container(json.dumps({**metadata, "digest": digest(metadata, tensors)}), tensors))
        return file.read_bytes()


def digest(metadata: dict[str, Any], tensors: dict[str, Any]) -> str:
    """As docs/file-format.md says."""
    found = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"\n{name} {tensor.dtype.str} {tensor.shape}\n".encode())
        found.update(np.ascontiguousarray(tensor).tobytes())
    return found.hexdigest()


JSON: tuple[object, ...] = (
    *NUMBERS,
    None,
    True,
    "",
    "a" * 700,
    "\x1b[2J",
    [],
    {},
    0.5,
    [1] * 70,
    {"a": 1},
    "offset",
    "string",
)


def change_json(dice: random.Random, value: object) -> None:
    """Change one value somewhere below an object or a list."""
    if isinstance(value, dict):
        known = cast(dict[str, object], value)
        key = dice.choice(list(known))
        if goes_deeper(dice, known[key]):
            change_json(dice, known[key])
        elif dice.randrange(3):
            known[key] = deepcopy(dice.choice(JSON))
        else:
            del known[key]
    elif isinstance(value, list):
        items = cast(list[object], value)
        number = dice.randrange(len(items))
        if goes_deeper(dice, items[number]):
            change_json(dice, items[number])
        elif dice.randrange(3):
            items[number] = deepcopy(dice.choice(JSON))
        elif dice.randrange(2):
            items.append(deepcopy(items[number]))
        else:
            del items[number]


def goes_deeper(dice: random.Random, value: object) -> bool:
    return isinstance(value, dict | list) and bool(cast(object, value)) and dice.randrange(8) > 0


def change_tensor(dice: random.Random, tensors: dict[str, Any]) -> None:
    name = dice.choice(list(tensors))
    tensor = tensors[name]
    if name.startswith("kernels."):
        tensors[name] = np.frombuffer(changed_model(dice, tensor.tobytes()), np.uint8)
    elif not dice.randrange(5):
        del tensors[name]
    elif not tensor.size or not dice.randrange(6):
        tensors[name] = np.zeros(dice.choice(((0,), (1,), (2, 8), (1,) * 40, (3, 4, 5))), tensor.dtype)
    else:
        with np.errstate(all="ignore"):
            tensor.reshape(-1)[dice.randrange(tensor.size)] = np.array(dice.choice(NUMBERS[:14])).astype(tensor.dtype)
