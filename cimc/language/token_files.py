"""What the files of a Hugging Face folder say of its tokens: tokenizer, special tokens, ends of texts, template."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cimc.files.reasons import reason
from dialects.errors import UserError

TOKENIZER = "tokenizer.json"
TEMPLATE = "chat_template.jinja"
_OTHER_TOKENIZERS = ("tokenizer.model", "spiece.model", "vocab.json", "merges.txt", "vocab.txt")
"""Files of older tokenizers, which transformers turns into tokenizer.json."""
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")

Json = Mapping[str, Any]


@dataclass(frozen=True)
class TokenFiles:
    """The tokenizer's file, and what lies beside it; all but the tokenizer may be missing."""

    tokenizer: Path
    template: str | None
    """The chat template."""
    special: Mapping[str, str]
    """Special tokens by their names, bos_token and such."""
    stop_ids: tuple[int, ...]
    """Numbers of the tokens that end a text."""
    stop_names: tuple[str, ...]
    """The same, as texts."""
    longest: int | None
    """The most positions of the network."""


def read_token_files(path: Path) -> TokenFiles:
    """The files in a folder, or beside a file tokenizer.json. Raises UserError, naming the file, if one is damaged."""
    folder = path if path.is_dir() else path.parent
    tokenizer = path / TOKENIZER if path.is_dir() else path
    if not tokenizer.is_file():
        raise UserError(_missing(path, tokenizer))
    config, generation = _read(folder / "config.json"), _read(folder / "generation_config.json")
    settings = {**_read(folder / "special_tokens_map.json"), **_read(folder / "tokenizer_config.json")}
    special = {name: text for name in _SPECIAL if (text := _token(settings.get(name))) is not None}
    inner = config.get("text_config")
    configs = [generation, config, *([cast(Json, inner)] if isinstance(inner, dict) else [])]
    ids = [number for source in configs for number in _numbers(source.get("eos_token_id"))]
    lengths = (source.get(name) for source in configs for name in ("max_position_embeddings", "n_positions"))
    return TokenFiles(
        tokenizer,
        _template(folder, settings),
        special,
        tuple(dict.fromkeys(ids)),
        (special["eos_token"],) if "eos_token" in special else (),
        next((length for length in lengths if isinstance(length, int) and length > 0), None),
    )


def _missing(path: Path, tokenizer: Path) -> str:
    if not path.exists():
        return f"{path}: cannot be read: no such file or directory, expected a folder with {TOKENIZER}, or bytes"
    others = [name for name in _OTHER_TOKENIZERS if (path / name).exists()]
    if others:
        return (
            f"{tokenizer}: cannot be read: no such file, found {' and '.join(others)}: make it with transformers, "
            "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
        )
    return f"{tokenizer}: cannot be read: no such file, expected a folder with {TOKENIZER}, or bytes"


def _read(file: Path) -> Json:
    """The object in a JSON file; an empty one if there is no file."""
    try:
        content: object = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file}: expected an object, found {type(content).__name__}")
    return cast(Json, content)


def _token(value: object) -> str | None:
    """A special token: a text, or an object with its text as `content`."""
    if isinstance(value, dict):
        value = cast(Json, value).get("content")
    return value if isinstance(value, str) else None


def _numbers(value: object) -> Iterator[int]:
    """A number, or a list of them."""
    values = cast(list[object], value) if isinstance(value, list) else [value]
    yield from (number for number in values if isinstance(number, int) and not isinstance(number, bool))


def _template(folder: Path, settings: Json) -> str | None:
    """The chat template: a file of its own, else the setting, of which there may be several by name."""
    file = folder / TEMPLATE
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _template_setting(settings.get("chat_template"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read: {reason(error)}") from error


def _template_setting(template: object) -> str | None:
    """A template, or the one named `default` in a list of templates with names."""
    if isinstance(template, list):
        named = [cast(Json, entry) for entry in cast(list[object], template) if isinstance(entry, dict)]
        template = next((entry.get("template") for entry in named if entry.get("name") == "default"), None)
    return template if isinstance(template, str) else None
