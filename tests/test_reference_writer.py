"""Reference networks on disk: whole or not at all, with large weights beside them."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, load_model_from_string, numpy_helper

from cimc import reference_writer
from cimc.files import whole_file
from cimc.machine.check import run_reference
from cimc.reference_writer import reference_file
from dialects.errors import UserError
from dialects.semantics.outlined import Later, OutlinedModel

W = np.arange(4 * 400, dtype=np.float32).reshape(4, 400)
V = np.arange(1600, dtype=np.float32)
B = np.ones(400, np.float32)
X = np.eye(4, dtype=np.float32)
Y = W + B + V[:400]


@pytest.fixture
def model(onnx_file: Callable[..., Path]) -> OutlinedModel:
    """y = x w + b + v: w, twice as large as `_SMALL`, is made later; v is as large, and inside."""
    text = "g (float[n,4] x) => (float[n,400] y) { z = MatMul(x, w) a = Add(z, b) s = Slice(v, f, l) y = Add(a, s) }"
    small = {"b": B, "v": V, "f": np.array([0]), "l": np.array([400])}
    file = onnx_file(text, {"w": W, **small})
    proto = load_model_from_string(file.read_bytes())
    file.unlink()
    tensor = next(tensor for tensor in proto.graph.initializer if tensor.name == "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="constants")
    return OutlinedModel(proto, {"w": Later(W.dtype, W.shape, lambda: W)})


def initializers(path: Path) -> dict[str, NDArray[Any]]:
    graph = load_model_from_string(path.read_bytes()).graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def test_a_model_takes_its_place_at_the_end(model: OutlinedModel, tmp_path: Path) -> None:
    path = tmp_path / "r.onnx"
    with reference_file(path) as write:
        write(model)
        assert not path.exists()
    assert list(tmp_path.iterdir()) == [path]
    read = initializers(path)
    assert read.keys() == {tensor.name for tensor in model.proto.graph.initializer}
    assert np.array_equal(read["w"], W)
    assert np.array_equal(read["b"], B)
    assert np.array_equal(run_reference(path, {"x": X})["y"], Y)


def test_a_model_is_written_as_protobuf_would(model: OutlinedModel, tmp_path: Path) -> None:
    """But for the order of initializers, of which the large ones are last."""
    path, whole = tmp_path / "r.onnx", ModelProto()
    whole.CopyFrom(model.proto)
    (hole,) = (tensor for tensor in whole.graph.initializer if tensor.name == "w")
    hole.CopyFrom(numpy_helper.from_array(W, "w"))
    with reference_file(path) as write:
        write(model)
    read = load_model_from_string(path.read_bytes())
    assert path.stat().st_size == whole.ByteSize()
    for proto in (read, whole):
        proto.graph.initializer.sort(key=lambda tensor: tensor.name)
    assert read == whole


def test_nothing_is_left_of_a_failure(model: OutlinedModel, tmp_path: Path) -> None:
    (tmp_path / "r.onnx").write_text("old")
    with suppress(UserError), reference_file(tmp_path / "r.onnx") as write:
        write(model)
        raise UserError("emission failed")
    assert (tmp_path / "r.onnx").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_without_a_path_nothing_happens(model: OutlinedModel, tmp_path: Path) -> None:
    with reference_file(None) as write:
        write(model)
    assert list(tmp_path.iterdir()) == []


def test_large_weights_stand_beside_the_model(
    model: OutlinedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_writer, "INLINE_LIMIT", 6000)
    path = tmp_path / "r.onnx"
    with reference_file(path) as write:
        write(model)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.onnx", "r.onnx.data"]
    assert path.stat().st_size < B.nbytes + 1000
    assert {
        tensor.name for tensor in load_model_from_string(path.read_bytes()).graph.initializer if tensor.data_location
    } == {"v", "w"}
    assert np.array_equal(run_reference(path, {"x": X})["y"], Y)


def test_a_place_that_cannot_be_written(model: OutlinedModel, tmp_path: Path) -> None:
    path = tmp_path / "none" / "r.onnx"
    with pytest.raises(UserError) as error, reference_file(path) as write:
        write(model)
    assert str(error.value) == f"{path}: cannot be written: no such file or directory"


def test_no_kill_can_leave_a_model_with_the_weights_of_another(
    model: OutlinedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the weights are replaced, the old model is gone."""
    monkeypatch.setattr(reference_writer, "INLINE_LIMIT", 6000)
    path, seen = tmp_path / "r.onnx", list[bool]()

    def replace(source: Path, target: Path) -> None:
        seen.append(path.exists())
        source.rename(target)

    for _ in range(2):
        with reference_file(path) as write:
            write(model)
            monkeypatch.setattr(whole_file.os, "replace", replace)
    assert seen == [False, False, False, False]
    assert path.exists()


def test_large_weights_cannot_go_to_a_device(model: OutlinedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_writer, "INLINE_LIMIT", 6000)
    with pytest.raises(UserError) as error, reference_file(Path("/dev/null")) as write:
        write(model)
    assert str(error.value) == (
        "/dev/null: cannot be written: the weights need a file beside it, expected the name of a file"
    )
