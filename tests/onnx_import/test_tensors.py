"""Constants of ONNX files: inline, sparse, or mapped from files beside the model, and none from anywhere else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, load_model_from_string, numpy_helper

from cimc.onnx_import.reader import read
from cimc.onnx_import.tensors import array_of, dense_of
from dialects.element_types import Array
from dialects.errors import UserError

Write = Callable[..., Path]
MATMUL = "g (float[n,4] x) => (float[n,3] y) { [product] y = MatMul(x, w) }"
W = np.arange(12, dtype=np.float32).reshape(4, 3)


def message_of(file: Path, **dims: int) -> str:
    with pytest.raises(UserError) as error:
        read(file, dims)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{file}: ")


def saved(model: ModelProto, folder: Path) -> Path:
    (folder / "network.onnx").write_bytes(model.SerializeToString())
    return folder / "network.onnx"


def external(folder: Path, array: Array | None = None, **entries: str) -> Path:
    """The network with its weight outside, described by `entries`, in a folder of its own; a string as an attribute."""
    (folder / "model").mkdir(exist_ok=True)
    tensor = numpy_helper.from_array(W if array is None else array, "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    x = helper.make_tensor_value_info("x", tensor.data_type, ["n", 4])
    y = helper.make_tensor_value_info("y", tensor.data_type, ["n", 3])
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [tensor])
    return saved(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model")


def test_damaged_initializer(onnx_file: Write, tmp_path: Path) -> None:
    model = load_model_from_string(onnx_file(MATMUL, {"w": W}).read_bytes())
    model.graph.initializer[0].dims[0] = 5
    expected = "initializer 'w' is damaged: cannot reshape array of size 12 into shape (5,3)"
    assert message_of(saved(model, tmp_path)) == expected


def test_sparse_initializer_out_of_range(onnx_file: Write, tmp_path: Path) -> None:
    model = load_model_from_string(onnx_file(MATMUL).read_bytes())
    values, places = np.ones(2, np.float32), np.array([3, 12])
    sparse = helper.make_sparse_tensor(numpy_helper.from_array(values, "w"), numpy_helper.from_array(places), [4, 3])
    model.graph.sparse_initializer.append(sparse)
    expected = "sparse initializer 'w' has index 12 is out of bounds for axis 0 with size 12"
    assert message_of(saved(model, tmp_path)) == expected


@pytest.mark.parametrize("places", [[3, 7, 11], [[1, 0], [2, 1], [3, 2]]])
def test_sparse_initializer(places: list[int] | list[list[int]], onnx_file: Write, tmp_path: Path) -> None:
    model = load_model_from_string(onnx_file(MATMUL).read_bytes())
    values = numpy_helper.from_array(np.array([1, 2, 3], np.float32), "w")
    sparse = helper.make_sparse_tensor(values, numpy_helper.from_array(np.array(places)), [4, 3])
    model.graph.sparse_initializer.append(sparse)
    found = read(saved(model, tmp_path), {}).constants["w"]
    assert found.tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]]


def test_external_data_is_mapped(tmp_path: Path) -> None:
    file = external(tmp_path, location="data/w.bin", offset="5", length="48")
    (file.parent / "data").mkdir()
    (file.parent / "data" / "w.bin").write_bytes(b"other" + W.tobytes() + b"more")
    array = read(file, {}).constants["w"]
    assert np.array_equal(array, W)
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable


@pytest.mark.parametrize("location", ["../w.bin", "a/../../w.bin", "", "link.bin", "folder/w.bin", "/etc/hostname"])
def test_external_data_outside_the_folder(location: str, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(W.tobytes())
    file = external(tmp_path, location=location)
    (file.parent / "link.bin").symlink_to(tmp_path / "w.bin")
    (file.parent / "folder").symlink_to(tmp_path)
    expected = f"initializer 'w' names external data {location!r} outside the model's folder, which is refused"
    assert message_of(file) == expected


def test_external_data_that_is_missing_or_short(tmp_path: Path) -> None:
    file = external(tmp_path, location="w.bin", offset="8")
    assert message_of(file) == "initializer 'w' needs the file w.bin, which is not beside the model: copy it there"
    (file.parent / "w.bin").write_bytes(W.tobytes())
    assert message_of(file) == "initializer 'w' needs bytes 8 to 56 of w.bin, which has 48"


@pytest.mark.parametrize("offset", ["-8", "many"])
def test_external_data_at_no_place(offset: str, tmp_path: Path) -> None:
    file = external(tmp_path, location="w.bin", offset=offset)
    (file.parent / "w.bin").write_bytes(W.tobytes())
    assert message_of(file) == f"initializer 'w' has external data at offset {offset!r}: expected a number from 0 on"


@pytest.mark.parametrize("length", ["47", "49", "0", "480000000000"])
def test_external_data_of_another_length_than_its_type_and_shape_demand(length: str, tmp_path: Path) -> None:
    file = external(tmp_path, location="w.bin", length=length)
    (file.parent / "w.bin").write_bytes(W.tobytes())
    assert message_of(file) == f"initializer 'w' has external data of length {length}: 4x3 of float32 are 48 bytes"


@pytest.mark.parametrize("length", ["-48", "all", "4.8e1", "9" * 5000])
def test_external_data_of_no_length(length: str, tmp_path: Path) -> None:
    file = external(tmp_path, location="w.bin", length=length)
    expected = f"initializer 'w' has external data of length {length[:19]!r}: expected a number from 0 on"
    assert message_of(file) == expected


@pytest.mark.parametrize("location", ["w\0.bin", "w" * 5000, "circle"])
def test_external_data_in_no_file_that_can_be(location: str, tmp_path: Path) -> None:
    file = external(tmp_path, location=location)
    (file.parent / "circle").symlink_to(file.parent / "circle")
    assert "outside the model's folder, which is refused" in message_of(file)


def test_external_texts(tmp_path: Path) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.STRING, dims=[2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="w.bin")
    with pytest.raises(UserError, match="external data of texts, which is not supported: store it inline"):
        array_of(tensor, tmp_path / "network.onnx")


@pytest.mark.parametrize(
    ("dims", "reason"),
    [([-4, 3], "a dimension of -4: expected 0 to"), ([1 << 40], "a dimension of 1099511627776"), ([1] * 65, "65 dim")],
)
def test_initializers_of_no_shape(dims: list[int], reason: str, tmp_path: Path) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims)
    with pytest.raises(UserError, match=f"initializer 'w' has {reason}"):
        array_of(tensor, tmp_path / "network.onnx")


def test_sparse_initializer_of_no_size(tmp_path: Path) -> None:
    values, places = numpy_helper.from_array(np.ones(1, np.float32), "w"), numpy_helper.from_array(np.array([0]))
    sparse = helper.make_sparse_tensor(values, places, [1 << 20, 1 << 20])
    with pytest.raises(UserError, match=r"sparse initializer 'w' has the shape \[1048576, 1048576\]: expected at most"):
        dense_of(sparse, tmp_path / "network.onnx")


PACKED = ["INT4", "UINT4", "INT2", "UINT2", "FLOAT4E2M1"]


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (0, 3), ()])
def test_external_data_below_eight_bits(name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    """Several numbers in a byte, the last byte perhaps not full."""
    type_ = TensorProto.DataType.Value(name)
    numbers = np.random.default_rng(0).integers(-2 if name.startswith("INT") else 0, 2, shape)
    expected = np.asarray(numbers).astype(helper.tensor_dtype_to_np_dtype(type_))
    inline = numpy_helper.from_array(expected, "w")
    (tmp_path / "w.bin").write_bytes(b"before" + inline.raw_data + b"after")
    tensor = TensorProto(name="w", data_type=type_, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "w.bin"), ("offset", "6"), ("length", str(len(inline.raw_data)))):
        tensor.external_data.add(key=key, value=value)
    array = array_of(tensor, tmp_path / "network.onnx")
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(array, expected)


def test_external_data_below_eight_bits_of_another_length(tmp_path: Path) -> None:
    tensor = numpy_helper.to_array(helper.make_tensor("w", TensorProto.INT4, [5, 3], [1] * 15))
    assert message_of(external(tmp_path, tensor, location="w.bin", length="15")) == (
        "initializer 'w' has external data of length 15: 5x3 of int4 are 8 bytes"
    )
