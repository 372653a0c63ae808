"""The weight store: keys and digests, the side file and everything that may be wrong with it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save_file
from xdsl.context import Context

from dialects import weights
from dialects.cim import make_cim, weight_op
from dialects.element_types import ELEMENTS, Array
from dialects.errors import UserError
from dialects.weights import WeightStore, check_side_file, digest_of, store_of, weights_file

SIDE_FILE = "m.weights.safetensors"
KINDS = [e.numpy for e in ELEMENTS if e.numpy is not None]
SHAPES: list[tuple[int, ...]] = [(), (3,), (2, 3), (2, 0), (0,)]


def bytes_of(array: Array) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.name, array.shape, array.tobytes()


def example(kind: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    return np.asarray(np.arange(int(np.prod(shape))).reshape(shape) % 2).astype(kind)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_element_type_comes_back_from_the_side_file(kind: np.dtype[Any], tmp_path: Path):
    store, again = WeightStore(), WeightStore()
    arrays = [example(kind, shape) for shape in SHAPES]
    names = [store.put("w", array) for array in arrays]
    assert [key for key, _ in names] == ["w", "w.1", "w.2", "w.3", "w.4"]
    store.write(tmp_path / SIDE_FILE)
    again.attach(tmp_path / SIDE_FILE)
    assert [bytes_of(again.get(*name)) for name in names] == [bytes_of(array) for array in arrays]


@given(hnp.arrays(np.float32, 4, elements=st.floats(width=32, allow_nan=True, allow_infinity=True)))
def test_numbers_that_are_not_finite_are_kept(array: Array):
    store = WeightStore()
    assert bytes_of(store.get(*store.put("w", array))) == bytes_of(array)


def test_names_of_any_kind_come_back(tmp_path: Path):
    store, again = WeightStore(), WeightStore()
    names = [store.put(name, np.full(40, number)) for number, name in enumerate(["é/☃", 'a"b', "", "a\\b", "x.1", "x"])]
    store.write(tmp_path / SIDE_FILE)
    again.attach(tmp_path / SIDE_FILE)
    assert [again.get(*name)[0] for name in names] == [0, 1, 2, 3, 4, 5]


def test_empty_store_is_a_file_too(tmp_path: Path):
    WeightStore().write(tmp_path / SIDE_FILE)
    WeightStore().attach(tmp_path / SIDE_FILE)
    assert [path.name for path in tmp_path.iterdir()] == [SIDE_FILE]


def test_same_content_has_one_key_another_one_another():
    store = WeightStore()
    first = store.put("w", np.arange(6))
    assert store.put("w", np.arange(6)) == first
    second = store.put("w", np.arange(7))
    assert second[0] == "w.1"
    assert store.put("w", np.arange(7)) == second
    assert store.put("w.1", np.arange(8))[0] == "w.1.1"


def test_digest_depends_on_type_shape_and_content():
    array = np.arange(6, dtype=np.int32)
    others = [array.reshape(2, 3), array.view(np.uint32), array[::-1], array.view(np.float32)]
    assert len({digest_of(a) for a in [array, *others]}) == 5
    assert digest_of(np.arange(12, dtype=np.int32)[::2]) == digest_of(np.arange(0, 12, 2, dtype=np.int32))


def test_arrays_of_the_store_are_not_written_to():
    store = WeightStore()
    array = np.zeros(40)
    found = store.get(*store.put("w", array))
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_strings_are_refused():
    with pytest.raises(UserError) as error:
        WeightStore().put("words", np.array(["a"], np.object_))
    assert str(error.value) == "weight 'words' holds texts: only numbers can be weights"


def test_the_file_of_a_module():
    assert weights_file(Path("ir/00-import.mlir")) == Path("ir/00-import.weights.safetensors")
    assert weights_file(Path("ir/notes.txt")) == Path("ir/notes.txt.weights.safetensors")


def test_files_are_read_when_an_array_is_asked_for_that_is_not_there(tmp_path: Path):
    store, other, again = WeightStore(), WeightStore(), WeightStore()
    w, v = store.put("w", np.arange(6)), other.put("w", np.arange(7))
    store.write(tmp_path / "a")
    other.write(tmp_path / "b")
    again.attach_later(tmp_path / "a")
    again.attach_later(tmp_path / "b")
    again.attach_later(tmp_path / "none")
    assert again.files == [tmp_path / "a", tmp_path / "b", tmp_path / "none"]
    assert [len(again.get(*name)) for name in (v, w)] == [7, 6]  # both are called "w"
    assert again.put("w", np.arange(8))[0] == "w.2"


def test_some_arrays_are_written(tmp_path: Path):
    store, again = WeightStore(), WeightStore()
    (key, digest), other = store.put("w", np.arange(6)), store.put("v", np.arange(7))
    store.write(tmp_path / SIDE_FILE, {key: digest})
    again.attach(tmp_path / SIDE_FILE)
    assert len(again.get(key, digest)) == 6
    with pytest.raises(UserError, match="has no data"):
        again.get(*other)


def test_missing_weight(tmp_path: Path):
    with pytest.raises(UserError) as error:
        WeightStore().get("w", "00")
    assert str(error.value) == (
        "weight 'w' has no data: expected IR that names its files of weights (cim.weights), as cimc --keep-ir and "
        "cim-opt -o write it"
    )
    store = WeightStore()
    store.write(tmp_path / SIDE_FILE)
    store.attach_later(tmp_path / SIDE_FILE)
    with pytest.raises(UserError) as error:
        store.get("w", "00")
    assert str(error.value) == f"weight 'w' has no data: {tmp_path / SIDE_FILE} lacks it, and belongs to other IR"
    (tmp_path / SIDE_FILE).unlink()
    with pytest.raises(UserError) as error:
        store.get("w", "00")
    assert str(error.value) == (
        f"weight 'w' has no data: there is no {tmp_path / SIDE_FILE}: expected beside the IR the files that its "
        "cim.weights names"
    )


def test_weight_of_another_compilation():
    store = WeightStore()
    _, digest = store.put("w", np.arange(6))
    with pytest.raises(UserError) as error:
        store.get("w", "00")
    assert str(error.value) == (
        f"weight 'w' has digest {digest}, the IR expects 00: the store belongs to another compilation"
    )


def damaged_files(folder: Path) -> dict[str, bytes]:
    """Side files that are none."""
    store = WeightStore()
    store.put("w", np.arange(6))
    store.write(folder / SIDE_FILE)
    good = (folder / SIDE_FILE).read_bytes()
    save_file({"w": np.arange(6)}, str(folder / SIDE_FILE))
    foreign = (folder / SIDE_FILE).read_bytes()
    length = int.from_bytes(good[:8], "little")
    header = json.loads(good[8 : 8 + length])
    header["w"]["data_offsets"] = [0, 8]
    changed = json.dumps(header).encode()
    return {
        "empty": b"",
        "short": good[:4],
        "no header": good[:20],
        "no bytes": good[: 8 + length],
        "cut": good[:-1],
        "foreign": foreign,
        "long": b"\xff" * 8 + good[8:],
        "offsets": len(changed).to_bytes(8, "little") + changed + good[8 + length :],
        "list": (2).to_bytes(8, "little") + b"[]",
        "kinds": good.replace(b"int64", b"int99"),
        "text": good.replace(b"int64", b"str_\\"),
    }


@pytest.mark.parametrize(
    "damage",
    ["empty", "short", "no header", "no bytes", "cut", "foreign", "long", "offsets", "list", "kinds", "text"],
)
def test_damaged_side_files_are_refused(damage: str, tmp_path: Path):
    file = tmp_path / SIDE_FILE
    file.write_bytes(damaged_files(tmp_path)[damage])
    with pytest.raises(UserError, match="not a file of weights written by --keep-ir or cim-opt"):
        WeightStore().attach(file)


def test_missing_side_file(tmp_path: Path):
    with pytest.raises(UserError, match="No such file"):
        WeightStore().attach(tmp_path / SIDE_FILE)


def test_a_write_that_fails(tmp_path: Path):
    with pytest.raises(OSError, match="No such file"):
        WeightStore().write(tmp_path / "none" / SIDE_FILE)


def test_a_file_of_another_is_no_side_file(tmp_path: Path):
    file = tmp_path / SIDE_FILE
    check_side_file(file)
    WeightStore().write(file)
    check_side_file(file)
    file.write_text("somebody's weights")
    with pytest.raises(UserError) as error:
        check_side_file(file)
    assert str(error.value) == (
        f"{file}: cannot be written: there is a file of that name that cimc did not write: expected another name or "
        "folder"
    )


def test_store_of_a_context():
    store = WeightStore()
    context = Context()
    context.load_dialect(make_cim(store))
    assert store_of(context) is store
    with pytest.raises(AssertionError, match="lacks the cim dialect"):
        store_of(Context())


def test_small_exact_weights_stand_in_the_ir():
    store = WeightStore()
    assert "dense<" in str(weight_op("w", np.arange(32), store))
    assert "#cim.data<" in str(weight_op("w", np.arange(33), store))
    assert "#cim.data<" in str(weight_op("w", np.array([np.nan]), store))
    assert "#cim.data<" in str(weight_op("w", np.zeros((0, 3)), store))


def counting(array: Array, calls: list[int]) -> Callable[[], Array]:
    def again() -> Array:
        calls.append(array.size)
        return array.copy()

    return again


def test_large_arrays_that_can_be_made_again_are_not_all_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(weights, "KEPT_BYTES", 2 << 16)
    store, calls = WeightStore(), list[int]()
    arrays = [np.full(1 << 16, number, np.uint8) for number in range(4)] + [np.zeros(5, np.uint8)]
    names = [store.put("w", array.copy(), counting(array, calls)) for array in arrays]
    assert [bytes_of(store.get(*name)) for name in names] == [bytes_of(array) for array in arrays]
    assert calls == [1 << 16, 1 << 16]
    held = store.get(*names[3])
    assert store.get(*names[3]) is held
    assert not held.flags.writeable
    assert len(calls) == 3
    store.keep_only([names[2][0]])
    store.put("x", arrays[0].copy(), counting(arrays[0], calls))
    store.get("x", digest_of(arrays[0]))
    assert len(calls) == 3


def test_what_gives_an_array_once_more(tmp_path: Path):
    store, calls, array = WeightStore(), list[int](), np.arange(1 << 16, dtype=np.uint16)
    (tmp_path / "data").write_bytes(array.tobytes())
    mapped = np.memmap(tmp_path / "data", np.uint16, "r")
    in_memory, in_file = store.put("memory", array), store.put("file", mapped)
    made = store.put("made", array + 1, counting(array + 1, calls))
    assert store.again(*in_memory) is None
    ways = [store.again(*in_file), store.again(*made)]
    store.keep_only([])
    assert [None if way is None else digest_of(way()) for way in ways] == [digest_of(array), digest_of(array + 1)]
    assert len(calls) == 1


def test_what_is_not_kept_is_written_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(weights, "KEPT_BYTES", 0)
    store, again, array = WeightStore(), WeightStore(), np.arange(1 << 16)
    name = store.put("w", array.copy(), array.copy)
    store.write(tmp_path / SIDE_FILE)
    again.attach(tmp_path / SIDE_FILE)
    assert bytes_of(again.get(*name)) == bytes_of(array)


def test_side_files_are_those_of_safetensors(tmp_path: Path) -> None:
    arrays = {"a": np.arange(5, dtype=np.int8), "b": np.eye(3, dtype=np.float32), "none": np.zeros((0, 2), np.int64)}
    store = WeightStore()
    for name, array in arrays.items():
        store.put(name, array)
    store.write(tmp_path / "ours")
    read = load_file(tmp_path / "ours")
    assert {name: array.tobytes() for name, array in read.items()} == {n: a.tobytes() for n, a in arrays.items()}
    assert int.from_bytes((tmp_path / "ours").read_bytes()[:8], "little") % 8 == 0
