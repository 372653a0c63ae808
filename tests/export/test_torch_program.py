"""Files of torch.export, looked at without torch: those with pickles are refused, as is what is no such file."""

import json
import zipfile
from pathlib import Path

import pytest

from cimc.export.torch_program import check_torch_program
from dialects.errors import UserError

TENSOR = {"config": {"w": {"path_name": "weight_0", "use_pickle": False}}}
GOOD = {"p/models/model.json": "{}", "p/data/weights/model_weights_config.json": json.dumps(TENSOR)}
PICKLED = json.dumps({"config": {"w": {"path_name": "weight_0", "use_pickle": True}}})


def archive(file: Path, entries: dict[str, str]) -> Path:
    with zipfile.ZipFile(file, "w") as new:
        for name, content in entries.items():
            new.writestr(name, content)
    return file


def test_tensors_only(tmp_path: Path) -> None:
    check_torch_program(archive(tmp_path / "p.pt2", GOOD))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"p/data.pkl": ""}, "not a program of torch.export: expected what torch.export.save writes"),
        (
            GOOD | {"p/data/weights/model_weights_config.json": PICKLED},
            "holds objects that are no tensors, as pickles, which are refused: they may hold code",
        ),
        (
            GOOD | {"p/data/constants/custom_obj_0": ""},
            "holds objects that are no tensors, as pickles, which are refused: they may hold code",
        ),
        (
            GOOD | {"p/data/constants/opaque_obj_0": ""},
            "holds objects that are no tensors, as pickles, which are refused: they may hold code",
        ),
        (GOOD | {"p/data/weights/model_weights_config.json": "{"}, "not a program of torch.export, or a damaged one: "),
    ],
)
def test_messages(tmp_path: Path, entries: dict[str, str], message: str) -> None:
    file = archive(tmp_path / "p.pt2", entries)
    with pytest.raises(UserError) as error:
        check_torch_program(file)
    assert str(error.value).startswith(f"{file}: {message}")


def test_no_archives(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.pt2: cannot be read: no such file or directory$"):
        check_torch_program(tmp_path / "none.pt2")
    (tmp_path / "text.pt2").write_text("text")
    with pytest.raises(UserError, match=r"text\.pt2: not a program of torch\.export, or a damaged one: "):
        check_torch_program(tmp_path / "text.pt2")
