"""What makes a result the same result: digests of the model, of the settings, and of cimc itself."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from cimc.compiler import Options
from cimc.files.reasons import reason
from cimc.hardware.library import load_chip
from cimc.installed import installed_version
from cimc.ir.texts import text_of
from cimc.onnx_import.importer import import_onnx
from cimc.options.compilation import DEFAULT_CHIP, path_of
from cimc.options.conditions import Conditions
from cimc.universe import make_context
from dialects.errors import UserError

_PACKAGES = ("cimc", "dialects", "passes")

NO_FIGURE_DEPENDS_ON = frozenset(
    (
        "chip", "arrays", "digital", "encoding", "output", "keep_ir", "reference", "reference_float",
        "require_coverage", "verify_each", "measure", "calibrate",
    )
)  # fmt: skip
"""Options that are no settings of a point: the chip and the calibration inputs are taken by their contents."""

CHIP_PART = frozenset(("mapping", "objective", "reload", "lossy"))
"""Options that only the chip part of a compilation looks at."""


def digest(*parts: object) -> str:
    """32 hex digits of texts, numbers, lists and dictionaries."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@lru_cache
def code_digest() -> str:
    """Of the version and every source file of cimc: a figure made by other code is another figure."""
    content = hashlib.blake2b(installed_version().encode(), digest_size=16)
    for package in _PACKAGES:
        folder = Path(str(import_module(package).__file__)).parent
        for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".toml")):
            content.update(path.relative_to(folder).as_posix().encode() + b"\n" + path.read_bytes())
    return content.hexdigest()


def model_digest(file: Path, dims: Mapping[str, int]) -> str:
    """Of the imported network, in which every weight has its digest, those of external data files included.

    Raises UserError where the file cannot be used.
    """
    return digest(text_of(import_onnx(make_context(), file, load_chip(DEFAULT_CHIP), dims)))


def network_key(model: str, options: Options) -> str:
    """Of everything that the network part of a compilation depends on."""
    settings = {name: value for name, value in _settings(options).items() if name not in CHIP_PART}
    return digest(code_digest(), model, settings)


def point_key(network: str, options: Options, chip: Mapping[str, object], conditions: Conditions) -> str:
    """Of everything that the figures of a point depend on; `network` is its `network_key`."""
    chip_part = {name: value for name, value in _settings(options).items() if name in CHIP_PART}
    return digest(network, chip_part, dict(chip), {**vars(conditions), "dims": dict(conditions.dims)})


def _settings(options: Options) -> dict[str, Any]:
    settings = {name: value for name, value in vars(options).items() if name not in NO_FIGURE_DEPENDS_ON}
    return {**settings, "dims": dict(options.dims or {}), "calibrate": _content_digest(path_of(options.calibrate))}


@lru_cache
def _content_digest(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {reason(error)}") from error
