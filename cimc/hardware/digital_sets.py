"""Reads sets of digital constants: what a chip's digital units, memories and interconnect take, in a file each."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from cimc.hardware.toml_text import described, parse_toml, read_bytes
from dialects.chip.keys import KEYS, Value, suggestion
from dialects.errors import UserError
from dialects.hardware import ChipAttr

DIGITAL_SET = "digital_set"
"""The key of a chip that names its set."""
DIGITAL_KEYS = (
    "transfer_ns",
    "links",
    "link_bits_per_ns",
    "digital_units",
    "add_ns",
    "transfer_bit_pj",
    "add_pj",
    "digital_unit_um2",
    "attention_unit_um2",
    "digital_unit_leakage_uw",
    "attention_unit_leakage_uw",
    "vector_width",
    "compare_ns",
    "function_ns",
    "normalize_ns",
    "vector_pj",
    "attention_units",
    "attention_macs_per_ns",
    "mac_pj",
    "normalize_pj",
    "buffer_um2",
    "buffer_byte_pj",
    "buffer_leakage_uw",
    "memory_bit_pj",
    "memory_gb_per_s",
    "memory_leakage_uw",
)
"""What a set may give: the keys of a chip that say nothing about its arrays."""


@dataclass(frozen=True)
class DigitalSet:
    """What stands in the file of a set."""

    name: str
    description: str
    values: Mapping[str, Value]
    """By key of a chip."""
    sources: Mapping[str, str]
    """Where each value comes from, by its key, and under `digital_set` what the set is."""

    def on(self, chip: ChipAttr) -> ChipAttr:
        """The chip with these digital constants instead of all of its own."""
        others = {key: value for key, value in chip.to_dict().items() if key not in DIGITAL_KEYS}
        return ChipAttr.from_dict({**others, **self.values, DIGITAL_SET: self.name})

    def sources_on(self, sources: Mapping[str, str]) -> dict[str, str]:
        """Where the numbers come from of a chip with these constants, those of its own having these `sources`."""
        others = {key: text for key, text in sources.items() if key not in (*DIGITAL_KEYS, DIGITAL_SET)}
        return {**others, **self.sources}


def digital_set_names() -> list[str]:
    """The sets that come with cimc, sorted."""
    return sorted(path.name.removesuffix(".toml") for path in _folder().iterdir() if path.name.endswith(".toml"))


def read_digital_set(name_or_path: str | os.PathLike[str]) -> DigitalSet:
    """The set of that name, or of that TOML file; UserError if there is none, or what it says is not legal."""
    names = digital_set_names()
    if name_or_path in names:
        file = f"{name_or_path}.toml"
        return parse_digital_set((_folder() / file).read_bytes(), name=str(name_or_path), file=file)
    path = Path(name_or_path)
    if path.suffix != ".toml" and not os.path.exists(path):
        raise UserError(
            f"unknown digital set {str(name_or_path)!r}: expected one of {', '.join(names)} or the path of a TOML file"
        )
    return parse_digital_set(read_bytes(path, "digital set"), name=path.stem, file=str(path))


def parse_digital_set(content: bytes, name: str, file: str) -> DigitalSet:
    """The set in the bytes of a TOML file; `file` is for messages."""
    subject = f"digital set {file}"
    values, description, sources = described(parse_toml(content, subject), subject, DIGITAL_KEYS)
    known = {key.name: key for key in KEYS if key.name in DIGITAL_KEYS}
    checked: dict[str, Value] = {}
    for key, value in values.items():
        if key not in known:
            raise UserError(f"{subject}: {key!r} is no key of a digital set: {suggestion(key, known)}")
        try:
            checked[key] = known[key].check(value)
        except UserError as error:
            raise UserError(f"{subject}: {error}") from error
    own = {key: text for key, text in sources.items() if key in checked}
    return DigitalSet(name, description, checked, {**own, **({DIGITAL_SET: description} if description else {})})


def _folder() -> Traversable:
    return resources.files("cimc.hardware") / "digital"
