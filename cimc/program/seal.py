"""What seals a program file: its format, the version of that, and digests of what is in it."""

import hashlib
import json
import os
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from cimc.program.container import Tensor, read_container
from cimc.program.errors import ProgramError, reading
from cimc.program.mapped import portions
from cimc.program.metadata import Json, JsonObject

FORMAT = "cimc-program"
VERSION = 5
_DIGESTS = {2: partial(hashlib.blake2b, digest_size=32), 3: hashlib.sha256, 4: hashlib.sha256, VERSION: hashlib.sha256}
"""What the digest is made with, by the version of the format; SHA-256 has instructions of its own in processors."""
MEASURED = "measured"
UNSEALED = ("digest", MEASURED)
"""Metadata that the digest does not cover: figures that a processor measured are no part of what the program is."""


class Seal(NamedTuple):
    """What a program file says of its form: the version of its format, and the digest of its contents."""

    version: int
    digest: str


def stored_seal(path: str | os.PathLike[str]) -> Seal:
    """The seal of a program file; ProgramError for a file that is no program."""
    container = read_container(path)
    with reading(path):
        metadata = parse_metadata(container.metadata)
        return Seal(metadata.count("version"), metadata.text("digest"))


def digest_of(metadata: Mapping[str, Json], tensors: Mapping[str, Tensor]) -> str:
    """Of the metadata (of a known version, without its digest) and of every tensor's name, type, shape and bytes."""
    version = metadata["version"]
    assert isinstance(version, int)
    digest = _DIGESTS[version](json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype.str} {tensor.shape}\n".encode())
        for portion in portions(tensor):
            digest.update(portion)
    return digest.hexdigest()


def sealed(measured: Mapping[str, Json], program: Json) -> dict[str, Json]:
    """What was measured of the program with that digest, and a digest of both, so that neither is changed alone."""
    text = json.dumps({"measured": dict(measured), "program": program}, sort_keys=True)
    return {**measured, "digest": hashlib.sha256(text.encode()).hexdigest()}


def parse_metadata(text: str) -> JsonObject:
    try:
        content: object = json.loads(text)
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode()  # JSON can spell what no file can hold
    except (ValueError, RecursionError) as error:
        raise ProgramError("damaged: the metadata is not JSON") from error
    metadata = JsonObject(content, "program")
    if metadata.fields.get("format") != FORMAT:
        raise ProgramError(f"format {metadata.fields.get('format')} is unknown, expected {FORMAT}")
    version = metadata.fields.get("version")
    if type(version) is not int or version not in _DIGESTS:
        *others, last = map(str, _DIGESTS)
        read = f"{', '.join(others)} and {last}"
        raise ProgramError(f"format version {version} is unknown, this cimc reads {read}: compile the network anew")
    return metadata
