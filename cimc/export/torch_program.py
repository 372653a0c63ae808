"""A file of `torch.export`: what can be said of it without torch, which obeys the pickles in such files."""

import json
import zipfile
from pathlib import Path
from typing import cast

from cimc.files.reasons import reason
from dialects.errors import UserError

_OBJECTS = ("custom_obj", "opaque_obj")
"""How the names of constants begin that are no tensors."""


def check_torch_program(file: Path) -> None:
    """UserError if a file is no program of `torch.export`, or holds objects that only a pickle can describe."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
            configs = [name for name in archive.namelist() if name.endswith("_config.json")]
            has_pickles = any(_has_pickles(json.loads(archive.read(name))) for name in configs)
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {reason(error)}") from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{file}: not a program of torch.export, or a damaged one: {error}") from error
    if not any(name.startswith("models/") and name.endswith(".json") for name in names):
        raise UserError(f"{file}: not a program of torch.export: expected what torch.export.save writes")
    objects = any(Path(name).name.startswith(_OBJECTS) for name in names)
    if has_pickles or objects:
        raise UserError(f"{file}: holds objects that are no tensors, as pickles, which are refused: they may hold code")


def _has_pickles(content: object) -> bool:
    """Whether a list of tensors in the file has one that is stored as a pickle."""
    entries = cast(dict[str, object], content) if isinstance(content, dict) else {}
    return entries.get("use_pickle", False) is not False or any(map(_has_pickles, entries.values()))
