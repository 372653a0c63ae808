"""Containers: what comes back is what was written, damage is recognised, and nothing partial is left behind."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from cimc.program import container
from cimc.program.container import METADATA_KEY, STORABLE_DTYPES, Container, read_container, write_container
from cimc.program.errors import ProgramError

TENSORS = {"a": np.arange(6, dtype=np.int32).reshape(2, 3), "b": np.zeros((0, 4), np.int8)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.cim"


def message_of(path: Path) -> str:
    with pytest.raises(ProgramError) as error:
        read_container(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def write_raw(path: Path, header: Any, data: bytes = b"") -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def entry(dtype: str = "I8", shape: Any = (4,), offsets: Any = (0, 4)) -> dict[str, Any]:
    tensor = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    return {"__metadata__": {"cimc": "{}"}, "t": tensor}


@pytest.mark.parametrize("dtype", sorted(STORABLE_DTYPES, key=str), ids=str)
def test_round_trip(path: Path, dtype: np.dtype[np.generic]) -> None:
    tensors = {"t": np.arange(12).astype(dtype).reshape(3, 4), "scalar": np.ones((), dtype), **TENSORS}
    write_container(path, Container("text", tensors))
    found = read_container(path)
    assert found.metadata == "text"
    for name, tensor in tensors.items():
        assert found.tensors[name].dtype == tensor.dtype
        assert found.tensors[name].shape == tensor.shape
        assert found.tensors[name].tobytes() == tensor.tobytes()


def test_tensors_are_mapped_not_copied(path: Path) -> None:
    write_container(path, Container("", TENSORS))
    tensor = read_container(path).tensors["a"]
    assert not tensor.flags.owndata
    assert not tensor.flags.writeable


def test_common_tools_can_open_it(path: Path) -> None:
    write_container(path, Container("", TENSORS))
    assert safetensors.numpy.load_file(path)["a"].tolist() == TENSORS["a"].tolist()


def test_equal_contents_are_equal_files(path: Path) -> None:
    write_container(path, Container("text", TENSORS))
    first = path.read_bytes()
    write_container(path, Container("text", dict(reversed(TENSORS.items()))))
    assert path.read_bytes() == first


def test_file_has_the_usual_permissions(path: Path) -> None:
    write_container(path, Container("", {}))
    other = path.with_name("other")
    other.touch()
    assert stat.S_IMODE(os.stat(path).st_mode) == stat.S_IMODE(os.stat(other).st_mode)


def test_failure_to_write_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(ProgramError, match=r"folder: cannot be written: is a directory, expected the name of a file$"):
        write_container(target, Container("", TENSORS))
    assert list(tmp_path.iterdir()) == [target]


def test_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"out\.cim: cannot be written: no such file or directory$"):
        write_container(tmp_path / "none" / "out.cim", Container("", TENSORS))


def test_failure_keeps_what_was_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("old")

    def no_space(*_: Any) -> Iterator[memoryview]:
        yield memoryview(b"1234")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(container, "portions", no_space)
    with pytest.raises(ProgramError, match=r"no space left on device$"):
        write_container(path, Container("", TENSORS))
    assert [file.read_text() for file in path.parent.iterdir()] == ["old"]


def test_missing_file(path: Path) -> None:
    assert message_of(path) == "cannot be read: no such file or directory"


def test_folder(tmp_path: Path) -> None:
    assert message_of(tmp_path) == "cannot be read: is a directory"


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "the file is empty, expected a program made by cimc"),
        (b"\x08\x00", "not a cimc program: expected a safetensors file"),
        (b"\x7fELF and so on, a long file", "not a cimc program: expected a safetensors file"),
        (b"\x64" + bytes(7) + b"{", "truncated: the header ends at byte 108, the file at byte 9"),
        (b"\x02" + bytes(7) + b"{]", "damaged: the header is not JSON"),
        (b"\x02" + bytes(7) + b"{}", "not a cimc program: a safetensors file without cimc metadata"),
    ],
)
def test_foreign_and_damaged_files(path: Path, contents: bytes, message: str) -> None:
    path.write_bytes(contents)
    assert message_of(path) == message


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"__metadata__": []}, "damaged: __metadata__ is not a JSON object"),
        ({"__metadata__": {"cimc": "{}"}, "t": 1}, "damaged: the header entry of tensor t is not a JSON object"),
        (entry(shape=[2, -2]), "damaged: tensor t has no valid shape"),
        (entry(shape=[1 << 62, 1 << 62, 0], offsets=[0, 0]), "damaged: tensor t has no valid shape"),
        (entry(offsets="x"), "damaged: tensor t has no valid data_offsets"),
        (entry(shape=[5]), "damaged: tensor t of int8 [5] cannot lie at bytes [0, 4]"),
        (entry(offsets=[4, 0]), "damaged: tensor t of int8 [4] cannot lie at bytes [4, 0]"),
        (entry(shape=[8], offsets=[0, 8]), "truncated: tensor t ends at byte 8 of 4"),
        (entry(shape=[2], offsets=[2, 4]), "damaged: a tensor starts at byte 2, expected byte 0"),
        (entry(shape=[2], offsets=[0, 2]), "damaged: the tensors end at byte 2, the file at byte 4"),
    ],
)
def test_damaged_headers(path: Path, header: Any, message: str) -> None:
    write_raw(path, header, bytes(4))
    assert message_of(path) == message


def test_unknown_element_type(path: Path) -> None:
    write_raw(path, entry(dtype="F4"), bytes(4))
    assert message_of(path).startswith("damaged: tensor t has element type F4, expected one of BOOL, U8, I8")


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, 10_000), value=st.integers(0, 255), length=st.integers(0, 10_000))
def test_damage_raises_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int, length: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.cim"
    write_container(path, Container('{"a": 1}', TENSORS))
    data = bytearray(path.read_bytes())
    data[position % len(data)] = value
    path.write_bytes(data[: length % (2 * len(data))])
    with suppress(ProgramError):
        read_container(path)


def test_names_from_a_file_cannot_break_the_message(path: Path) -> None:
    write_raw(path, {"__metadata__": {"cimc": "{}"}, "a\nb": 1})
    assert message_of(path) == "damaged: the header entry of tensor a b is not a JSON object"


@given(
    st.dictionaries(st.text(max_size=3), st.sampled_from(sorted(STORABLE_DTYPES, key=str)), max_size=14),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
)
def test_files_are_those_of_safetensors(
    tmp_path_factory: pytest.TempPathFactory, names: dict[str, np.dtype[np.generic]], metadata: str
) -> None:
    folder = tmp_path_factory.mktemp("containers")
    names.pop("__metadata__", None)
    shapes = [(), (3,), (0, 2), (2, 2)]
    tensors = {name: np.ones(shapes[i % 4]).astype(dtype) for i, (name, dtype) in enumerate(names.items())}
    write_container(folder / "ours", Container(metadata, tensors))
    safetensors.numpy.save_file(tensors, folder / "theirs", {METADATA_KEY: metadata})
    assert (folder / "ours").read_bytes() == (folder / "theirs").read_bytes()
