"""Reference networks on disk: whole or not at all, with large weights beside them."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, load_model_from_string

from cimc import reference_writer
from cimc.files import whole_file
from cimc.machine.check import run_reference
from cimc.reference_writer import reference_file
from dialects.errors import UserError

W = np.arange(4 * 400, dtype=np.float32).reshape(4, 400)


@pytest.fixture
def model(onnx_file: Callable[..., Path]) -> ModelProto:
    file = onnx_file("g (float[n,4] x) => (float[n,400] y) { y = MatMul(x, w) }", {"w": W})
    content = file.read_bytes()
    file.unlink()
    return load_model_from_string(content)


def test_a_model_takes_its_place_at_the_end(model: ModelProto, tmp_path: Path) -> None:
    path = tmp_path / "r.onnx"
    with reference_file(path) as write:
        write(model)
        assert not path.exists()
    assert load_model_from_string(path.read_bytes()) == model
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_of_a_failure(model: ModelProto, tmp_path: Path) -> None:
    (tmp_path / "r.onnx").write_text("old")
    with suppress(UserError), reference_file(tmp_path / "r.onnx") as write:
        write(model)
        raise UserError("emission failed")
    assert (tmp_path / "r.onnx").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_without_a_path_nothing_happens(model: ModelProto, tmp_path: Path) -> None:
    with reference_file(None) as write:
        write(model)
    assert list(tmp_path.iterdir()) == []


def test_large_weights_stand_beside_the_model(
    model: ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_writer, "INLINE_LIMIT", 6000)
    path = tmp_path / "r.onnx"
    with reference_file(path) as write:
        write(model)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.onnx", "r.onnx.data"]
    assert path.stat().st_size < 1000
    x = np.eye(4, dtype=np.float32)
    assert np.array_equal(run_reference(path, {"x": x})["y"], W)


def test_a_place_that_cannot_be_written(model: ModelProto, tmp_path: Path) -> None:
    path = tmp_path / "none" / "r.onnx"
    with pytest.raises(UserError) as error, reference_file(path) as write:
        write(model)
    assert str(error.value) == f"{path}: cannot be written: no such file or directory"


def test_no_kill_can_leave_a_model_with_the_weights_of_another(
    model: ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the weights are replaced, the old model is gone."""
    monkeypatch.setattr(reference_writer, "INLINE_LIMIT", 6000)
    path, seen = tmp_path / "r.onnx", list[bool]()

    def replace(source: Path, target: Path) -> None:
        seen.append(path.exists())
        source.rename(target)

    for _ in range(2):
        copy = ModelProto()
        copy.CopyFrom(model)
        with reference_file(path) as write:
            write(copy)
            monkeypatch.setattr(whole_file.os, "replace", replace)
    assert seen == [False, False, False, False]
    assert path.exists()


def test_large_weights_cannot_go_to_a_device(model: ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_writer, "INLINE_LIMIT", 6000)
    with pytest.raises(UserError) as error, reference_file(Path("/dev/null")) as write:
        write(model)
    assert str(error.value) == (
        "/dev/null: cannot be written: the weights need a file beside it, expected the name of a file"
    )
