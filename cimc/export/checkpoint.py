"""The folder of a checkpoint as Hugging Face's libraries save it: whether it is one, before anything is loaded."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cimc.files.reasons import reason
from dialects.errors import UserError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")


@dataclass(frozen=True)
class Checkpoint:
    """A folder with a configuration and all of its weights."""

    folder: Path
    model_type: str
    weights: list[Path]


def read_checkpoint(folder: Path) -> Checkpoint:
    """What a folder holds, from its configuration and the names of its weights.

    Raises UserError, naming the file, if it is no checkpoint, or one that is not whole.
    """
    config = _object(folder / CONFIG, "expected the folder of a checkpoint, with config.json and *.safetensors")
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        raise UserError(f"{folder / CONFIG}: names no model_type: expected the configuration of a language model")
    return Checkpoint(folder, model_type, _weights(folder))


def _weights(folder: Path) -> list[Path]:
    """The files of the weights, one or many."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        pickled = next((name for name in _PICKLES if (folder / name).is_file()), None)
        there = f"has its weights in {pickled}, which may hold code" if pickled else "has no weights"
        raise UserError(f"{folder}: {there}: expected {WEIGHTS}, or {INDEX} and the files that it names")
    placed = _object(folder / INDEX, "expected an index of weights").get("weight_map")
    names = set(cast(dict[str, object], placed).values()) if isinstance(placed, dict) else set[object]()
    if not names:
        raise UserError(f"{folder / INDEX}: has no weight_map: expected the file of each weight by name")
    return [_part(folder, str(name)) for name in sorted(names, key=str)]


def _part(folder: Path, name: str) -> Path:
    if Path(name).name != name:
        raise UserError(f"{folder / INDEX}: names {name}, which is no file of this folder: nothing else is read")
    if not (folder / name).is_file():
        raise UserError(f"{folder / INDEX}: names {name}, which is not there: copy it into the folder")
    return folder / name


def _object(file: Path, expected: str) -> dict[str, object]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{file.parent}: there is no {file.name}: {expected}") from error
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: not JSON, or a truncated file: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file}: not a JSON object: {expected}")
    return cast(dict[str, object], content)
