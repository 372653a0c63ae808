"""What is said of a folder that is no checkpoint, or not a whole one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cimc.export.checkpoint import read_checkpoint
from dialects.errors import UserError

CONFIG = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}


def config(content: object) -> Callable[[Path], object]:
    return lambda folder: (folder / "config.json").write_text(json.dumps(content))


def named(name: str, content: str = "") -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(content)


INDEX = "model.safetensors.index.json"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "{0}: there is no config.json: expected the folder of a checkpoint, with config.json and *.safetensors"),
        ([named("config.json", "{")], "{0}/config.json: not JSON, or a truncated file: "),
        ([config([])], "{0}/config.json: not a JSON object: expected the folder of a checkpoint, with config.json"),
        ([config({})], "{0}/config.json: names no model_type: expected the configuration of a language model"),
        ([config(CONFIG)], "{0}: has no weights: expected model.safetensors, or model.safetensors.index.json and the"),
        (
            [config(CONFIG), named("pytorch_model.bin")],
            "{0}: has its weights in pytorch_model.bin, which may hold code: expected model.safetensors, or model.",
        ),
        ([config(CONFIG), named(INDEX, "{}")], "{0}/model.safetensors.index.json: has no weight_map: expected the"),
        (
            [config(CONFIG), named(INDEX, '{"weight_map": {"a": "1.safetensors"}}')],
            "{0}/model.safetensors.index.json: names 1.safetensors, which is not there: copy it into the folder",
        ),
        (
            [config(CONFIG), named(INDEX, '{"weight_map": {"a": "../1.safetensors"}}'), named("../1.safetensors")],
            "{0}/model.safetensors.index.json: names ../1.safetensors, which is no file of this folder",
        ),
    ],
)
def test_messages(tmp_path: Path, files: list[Callable[[Path], object]], message: str) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for write in files:
        write(folder)
    with pytest.raises(UserError) as error:
        read_checkpoint(folder)
    assert str(error.value).startswith(message.format(folder))


def test_unreadable(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(UserError, match=r"config\.json: cannot be read: is a directory$"):
        read_checkpoint(tmp_path)


def test_whole_checkpoints(tmp_path: Path) -> None:
    config(CONFIG)(tmp_path)
    named("1.safetensors", "12345")(tmp_path)
    named("2.safetensors", "123")(tmp_path)
    named(INDEX, '{"weight_map": {"a": "1.safetensors", "b": "2.safetensors", "c": "1.safetensors"}}')(tmp_path)
    assert read_checkpoint(tmp_path).model_type == "llama"
    assert [file.name for file in read_checkpoint(tmp_path).weights] == ["1.safetensors", "2.safetensors"]
    named("model.safetensors", "1234567")(tmp_path)
    assert [file.name for file in read_checkpoint(tmp_path).weights] == ["model.safetensors"]
