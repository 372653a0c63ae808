"""What the files of a folder say of its tokens."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cimc.language.token_files import read_token_files
from dialects.errors import UserError

Folder = Callable[..., Path]


def refused(path: Path) -> str:
    with pytest.raises(UserError) as error:
        read_token_files(path)
    return str(error.value)


def test_a_tokenizer_alone(tokenizer_folder: Folder) -> None:
    folder = tokenizer_folder()
    (folder / "tokenizer_config.json").unlink()
    files = read_token_files(folder / "tokenizer.json")
    assert files.tokenizer == folder / "tokenizer.json"
    assert (files.template, files.special, files.stop_ids, files.stop_names, files.longest) == (None, {}, (), (), None)


def test_settings(tokenizer_folder: Folder) -> None:
    files = read_token_files(
        tokenizer_folder(
            special_tokens_map_json={"bos_token": "old", "pad_token": {"content": "<pad>"}},
            config_json={
                "eos_token_id": True,
                "text_config": {"eos_token_id": [3, 5], "max_position_embeddings": 77},
            },
            generation_config_json={"eos_token_id": [5, 4]},
        )
    )
    assert files.special == {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    assert files.stop_names == ("</s>",)
    assert files.stop_ids == (5, 4, 3)
    assert files.longest == 77


def test_where_templates_are(tokenizer_folder: Folder) -> None:
    several = [{"name": "tools", "template": "t"}, {"name": "default", "template": "d"}]
    folder = tokenizer_folder(tokenizer_config_json={"chat_template": several})
    assert read_token_files(folder).template == "d"
    folder = tokenizer_folder(tokenizer_config_json={"chat_template": "s"})
    assert read_token_files(folder).template == "s"
    folder = tokenizer_folder(tokenizer_config_json={"chat_template": "s"}, chat_template_jinja="file")
    assert read_token_files(folder).template == "file"


def test_missing_files(tmp_path: Path) -> None:
    assert refused(tmp_path / "none") == (
        f"{tmp_path}/none: cannot be read: no such file or directory, expected a folder with tokenizer.json, or bytes"
    )
    missing = f"{tmp_path}/tokenizer.json: cannot be read: no such file"
    assert refused(tmp_path) == f"{missing}, expected a folder with tokenizer.json, or bytes"
    (tmp_path / "vocab.json").write_text("{}")
    (tmp_path / "merges.txt").write_text("")
    assert refused(tmp_path) == (
        f"{missing}, found vocab.json and merges.txt: make it with transformers, "
        "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)"
    )


def test_damaged_files(tokenizer_folder: Folder) -> None:
    folder = tokenizer_folder(config_json="{")
    assert refused(folder).startswith(f"{folder}/config.json: not JSON: ")
    folder = tokenizer_folder(config_json=[1])
    assert refused(folder) == f"{folder}/config.json: expected an object, found list"
    folder = tokenizer_folder(config_json={})
    (folder / "chat_template.jinja").write_bytes(b"\xff")
    assert refused(folder).startswith(f"{folder}/chat_template.jinja: cannot be read: 'utf-8' codec")
    (folder / "chat_template.jinja").unlink()
    (folder / "generation_config.json").mkdir()
    assert refused(folder) == f"{folder}/generation_config.json: cannot be read: is a directory"
