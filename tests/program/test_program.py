"""Program files: round trip, digest, format and version."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cimc.program.arrays.formats import Format
from cimc.program.container import Container, read_container, write_container
from cimc.program.distance import PROGRAM, Distance
from cimc.program.errors import ProgramError
from cimc.program.metadata import Json
from cimc.program.program import Program
from cimc.program.schedule.checker import verify_schedule
from cimc.program.times.pipeline import Pipeline


@pytest.fixture
def path(tmp_path: Path, handmade: Program) -> Path:
    path = tmp_path / "made.cim"
    handmade.save(path)
    return path


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the metadata of a program file behind its digest's back."""
    container = read_container(path)
    metadata = json.loads(container.metadata)
    change(metadata)
    write_container(path, Container(json.dumps(metadata), container.tensors))


def message_of(path: Path, *, verify_digest: bool = True) -> str:
    with pytest.raises(ProgramError) as error:
        Program.load(path, verify_digest=verify_digest)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def message_after(path: Path, change: Callable[[dict[str, Any]], None]) -> str:
    edit(path, change)
    return message_of(path)


def test_round_trip(path: Path, handmade: Program) -> None:
    loaded = Program.load(path)
    for name in ("arrays", "tiles", "instructions"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(handmade, name))
    for name in ("tables", "constants"):
        for found, expected in zip(getattr(loaded, name), getattr(handmade, name), strict=True):
            np.testing.assert_array_equal(found, expected)
    for name in ("chip", "slots", "mapping", "dims", "compiler", "source"):
        assert getattr(loaded, name) == getattr(handmade, name)
    for name in ("kernels", "inputs", "outputs", "weights", "multiplications", "stages"):
        assert list(getattr(loaded, name)) == list(getattr(handmade, name))


def test_schedules_survive(tmp_path: Path, scheduled: Program) -> None:
    assert scheduled.timing is not None
    scheduled.timing = replace(scheduled.timing, buffers=2, links=3, link_bits_per_ns=0.75)
    scheduled.save(tmp_path / "scheduled.cim")
    loaded = Program.load(tmp_path / "scheduled.cim")
    np.testing.assert_array_equal(loaded.operations, scheduled.operations)
    np.testing.assert_array_equal(loaded.instructions, scheduled.instructions)
    assert loaded.timing == scheduled.timing
    assert list(loaded.stages) == list(scheduled.stages)


def pipelined(program: Program) -> Program:
    return replace(program, pipeline=Pipeline(732, program.instructions["start"].astype(np.int64), program.operations))


def test_pipelines_survive(tmp_path: Path, scheduled: Program) -> None:
    program = pipelined(scheduled)
    assert program.pipeline is not None
    program.pipeline.starts[3], program.pipeline.operations[4, 2:4] = 190, (1, 330)
    program.save(tmp_path / "pipelined.cim")
    loaded = Program.load(tmp_path / "pipelined.cim")
    assert loaded.pipeline is not None
    assert loaded.pipeline.interval_ps == 732
    np.testing.assert_array_equal(loaded.pipeline.starts, program.pipeline.starts)
    np.testing.assert_array_equal(loaded.pipeline.operations, program.pipeline.operations)
    assert loaded.pipeline.moves.shape == (0, 4)


def test_moves_of_arrays_survive(tmp_path: Path, scheduled: Program) -> None:
    program = pipelined(scheduled)
    assert program.pipeline is not None
    moves = np.array([[1, 0, 0, 80], [13, 0, 0, 486]])
    replace(program, pipeline=replace(program.pipeline, moves=moves)).save(tmp_path / "moving.cim")
    loaded = Program.load(tmp_path / "moving.cim")
    assert loaded.pipeline is not None
    np.testing.assert_array_equal(loaded.pipeline.moves, moves)


def test_a_pipeline_of_fewer_operations(tmp_path: Path, scheduled: Program) -> None:
    path = tmp_path / "pipelined.cim"
    program = pipelined(scheduled)
    assert program.pipeline is not None
    replace(program, pipeline=replace(program.pipeline, operations=program.operations[:3])).save(path)
    assert message_of(path) == "the pipeline has 3 operations, the program 7"


def test_version_4_had_neither_registers_nor_links(tmp_path: Path, scheduled: Program) -> None:
    path = tmp_path / "scheduled.cim"
    scheduled.save(path)

    def older(metadata: dict[str, Any]) -> None:
        metadata["version"] = 4
        assert metadata["timing"].pop("buffers") == 1
        assert not metadata["timing"].keys() & {"links", "link_bits_per_ns"}

    edit(path, older)
    assert Program.load(path, verify_digest=False).timing == scheduled.timing


def test_programs_without_times(path: Path) -> None:
    loaded = Program.load(path)
    assert loaded.timing is None
    assert loaded.operations.shape == (0, 5)


def test_notes_survive(path: Path, handmade: Program) -> None:
    layers: list[Json] = [{"node": "/fc", "weight_error": 0.125, "monarch": "left dense: \u00fc"}]
    notes: dict[str, Json] = {"layers": layers, "permutations_before_folding": None}
    replace(handmade, notes=notes).save(path)
    assert Program.load(path).notes == notes


def test_options_survive(path: Path, handmade: Program) -> None:
    replace(handmade, options={"lossy": 2, "calibrate": None}).save(path)
    assert Program.load(path).options == {"lossy": 2, "calibrate": None}


def test_files_without_options(path: Path) -> None:
    """As cimc wrote them before."""
    edit(path, lambda metadata: metadata.pop("options"))
    assert Program.load(path, verify_digest=False).options == {}


def test_what_was_measured_survives_and_is_no_part_of_the_program(path: Path, handmade: Program) -> None:
    """Figures depend on the processor, so equal programs have equal digests whatever was measured of them."""

    def digest() -> str:
        return json.loads(read_container(path).metadata)["digest"]

    assert Program.load(path).measured is None
    before, measured = digest(), Distance(False, 0.25, 3.0, "y", "y", ran=PROGRAM, clipping={0: (1, 2)})
    replace(handmade, measured=measured).save(path)
    assert (Program.load(path).measured, digest()) == (measured, before)
    assert message_after(path, lambda metadata: metadata["measured"].update(cosine=1.0)) == (
        "damaged: what was measured is of another program, or has been changed"
    )
    assert Program.load(path, verify_digest=False).measured == replace(measured, cosine=1.0)


def test_figures_of_another_program(path: Path, handmade: Program, tmp_path: Path) -> None:
    other = tmp_path / "other.cim"
    replace(handmade, mapping="spread", measured=Distance(True)).save(other)
    stolen = json.loads(read_container(other).metadata)["measured"]
    assert message_after(path, lambda metadata: metadata.update(measured=stolen)) == (
        "damaged: what was measured is of another program, or has been changed"
    )


def test_bounds_of_inputs_survive(path: Path, handmade: Program) -> None:
    bounded = [replace(handmade.inputs[0], low=low, high=high) for low, high in ((-(1 << 63), (1 << 64) - 1), (0, 1))]
    for one in bounded:
        replace(handmade, inputs=[one]).save(path)
        assert list(Program.load(path).inputs) == [one]


def test_orders_of_columns_survive(path: Path, handmade: Program) -> None:
    ordered = [replace(handmade.multiplications[0], order=1)]
    tables = [*handmade.tables, np.array([2, 0, 1], np.int32)]
    replace(handmade, multiplications=ordered, tables=tables).save(path)
    assert list(Program.load(path).multiplications) == ordered


def test_saving_again_gives_the_same_file(path: Path) -> None:
    again = path.with_name("again.cim")
    Program.load(path).save(again)
    assert again.read_bytes() == path.read_bytes()


def test_a_loaded_program_can_replace_its_own_file(path: Path) -> None:
    before = path.read_bytes()
    Program.load(path).save(path)
    assert path.read_bytes() == before


def test_records_and_arrays_are_mapped_and_aligned(path: Path) -> None:
    loaded = Program.load(path)
    for array in (loaded.arrays, loaded.instructions):
        assert not array.flags.owndata
        assert array.flags.aligned


def test_changed_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert message_of(path).startswith("damaged: the contents have digest ")


def test_changed_metadata(path: Path) -> None:
    edit(path, lambda metadata: metadata.update(mapping="spread"))
    assert message_of(path).startswith("damaged: the contents have digest ")
    assert Program.load(path, verify_digest=False).mapping == "spread"


def test_version_2_had_another_digest(path: Path) -> None:
    """It is read as well, and its digest is checked."""
    edit(path, lambda metadata: metadata.update(version=2))
    assert message_of(path).startswith("damaged: the contents have digest ")
    metadata, tensors = json.loads(read_container(path).metadata), read_container(path).tensors
    del metadata["digest"]
    digest = hashlib.blake2b(json.dumps(metadata, sort_keys=True).encode(), digest_size=32)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype.str} {tensor.shape}\n".encode() + tensor.tobytes())
    edit(path, lambda metadata: metadata.update(digest=digest.hexdigest()))
    assert Program.load(path).mapping == "linear"


def test_version_3_had_one_format_and_midpoints(path: Path, handmade: Program) -> None:
    """A file without all that version 4 brought is brought to the new form."""
    stored = read_container(path)
    tensors = {name: tensor for name, tensor in stored.tensors.items() if name not in ("array_formats", "offsets")}
    metadata: dict[str, Any] = {**json.loads(stored.metadata), "version": 3}
    del metadata["formats"]
    for multiplication in metadata["multiplications"]:
        del multiplication["input_bits"]
    write_container(path, Container(json.dumps(metadata), tensors))
    loaded = Program.load(path, verify_digest=False)
    assert (loaded.formats, loaded.array_formats.tolist()) == ([Format(8, "offset")], [0] * len(handmade.arrays))
    assert loaded.offsets.tolist() == [128] * handmade.tiles[:, 5].sum()
    assert {multiplication.input_bits for multiplication in loaded.multiplications} == {8}
    edit(path, lambda metadata: metadata["chip"].update(encoding="auto"))
    expected = "chip encoding auto is unknown in version 3, expected offset, twos-complement, differential"
    assert message_of(path, verify_digest=False) == expected


def test_formats_and_offsets_survive(path: Path, handmade: Program) -> None:
    formats, own = [Format(8, "offset"), Format(4, "differential")], np.array([1, 0], np.uint8)
    offsets = np.arange(handmade.tiles[:, 5].sum(), dtype=np.int16)
    few = [replace(multiplication, input_bits=5) for multiplication in handmade.multiplications]
    changed = replace(handmade, formats=formats, array_formats=own, offsets=offsets, multiplications=few)
    changed.arrays[...] = 0
    changed.save(path)
    loaded = Program.load(path)
    assert (loaded.formats, loaded.array_formats.tolist()) == (formats, [1, 0])
    assert loaded.offsets.tolist() == offsets.tolist()
    assert loaded.multiplications == few


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "format other is unknown, expected cimc-program"),
        ({"version": 6}, "format version 6 is unknown, this cimc reads 2, 3, 4 and 5: compile the network anew"),
        ({"version": 4.0}, "format version 4.0 is unknown, this cimc reads 2, 3, 4 and 5: compile the network anew"),
        ({"slots": -1}, "damaged: metadata program.slots is not a number from 0 on"),
        ({"slots": 1 << 40}, "the program has 1099511627776 values, expected at most 4194304"),
        ({"mapping": None}, "damaged: metadata program.mapping is not a text"),
        ({"chip": []}, "damaged: metadata program.chip is not an object"),
        ({"weights": {}}, "damaged: metadata program.weights is not a list"),
        ({"inputs": [3]}, "damaged: metadata program.inputs[0] is not an object"),
        (
            {"inputs": [{"name": "x", "dtype": "int8", "shape": [1.5], "slot": 0}]},
            "damaged: metadata program.inputs[0].shape is not a number from 0 on",
        ),
        (
            {"inputs": [{"name": "x", "dtype": "int8", "shape": [1], "slot": 0, "low": "a"}]},
            "damaged: metadata program.inputs[0].low is not an integer of 64 bits or nothing",
        ),
        (
            {"inputs": [{"name": "x", "dtype": "int8", "shape": [1], "slot": 0, "low": 1 << 64}]},
            "damaged: metadata program.inputs[0].low is not an integer of 64 bits or nothing",
        ),
        (
            {"inputs": [{"name": "x", "dtype": "int8", "shape": [1] * 70, "slot": 0}]},
            "damaged: metadata program.inputs[0].shape is not a list of at most 64 dimensions",
        ),
        (
            {"kernels": [{"inputs": [], "outputs": [], "nodes": [1], "constants": []}]},
            "damaged: metadata program.kernels[0].nodes is not a list of texts",
        ),
        (
            {"multiplications": [{"y": 3, "x": 2, "weight": 0, "node": "/fc", "order": None, "signed": 1}]},
            "damaged: metadata program.multiplications[0].signed is not true or false",
        ),
        (
            {"multiplications": [{"y": 3, "x": 2, "weight": 0, "node": "/fc", "order": True, "signed": True}]},
            "damaged: metadata program.multiplications[0].order is not a number from 0 on",
        ),
        ({"tables": 7}, "damaged: there is no tensor tables.1"),
        ({"pipeline": 3}, "damaged: there is no tensor pipeline_operations"),
        ({"timing": 3}, "damaged: metadata program.timing is not an object"),
        ({"timing": {"settle_ps": 1}}, "damaged: metadata program.timing.adc_ps is not a list"),
        ({"timing": {"settle_ps": 0.5}}, "damaged: metadata program.timing.settle_ps is not a number from 0 on"),
        (
            {"stages": [{"number": 0, "duration_ps": 1}]},
            "damaged: metadata program.stages[0].start_ps is not a number from 0 on",
        ),
    ],
)
def test_damaged_metadata(path: Path, change: dict[str, Any], message: str) -> None:
    edit(path, lambda metadata: metadata.update(change))
    assert message_of(path, verify_digest=False) == message


@pytest.mark.parametrize("text", ["{", '{"mapping": "\\ud800"}', '{"slots": NaN}', "[" * 100_000])
def test_metadata_that_is_not_json(path: Path, text: str) -> None:
    """Half of a surrogate pair is none either: nobody could print or write it."""
    write_container(path, Container(text, {}))
    assert message_of(path) == "damaged: the metadata is not JSON"


def test_tensor_of_the_wrong_kind(path: Path) -> None:
    container = read_container(path)
    write_container(path, Container(container.metadata, {**container.tensors, "tiles": np.zeros((1, 7), np.int32)}))
    assert message_of(path, verify_digest=False) == "damaged: tensor tiles is int32 [1, 7]"


def test_operations_of_the_wrong_shape(path: Path) -> None:
    container = read_container(path)
    tensors = {**container.tensors, "operations": np.zeros((2, 4), np.int64)}
    write_container(path, Container(container.metadata, tensors))
    assert message_of(path, verify_digest=False) == "damaged: tensor operations is int64 [2, 4]"


def test_what_verification_finds_names_the_file(path: Path, handmade: Program) -> None:
    replace(handmade, slots=4).save(path)
    assert message_of(path) == "kernel 1 uses value 4, the program has 4 values"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 1 << 20), value=st.integers(0, 255), digest=st.booleans())
def test_damage_raises_nothing_else(path: Path, position: int, value: int, digest: bool) -> None:
    """Even without a digest, any changed byte gives a program of valid numbers or a ProgramError."""
    data = bytearray(path.read_bytes())
    data[position % len(data)] = value
    damaged = path.with_name("damaged.cim")
    damaged.write_bytes(data)
    with suppress(ProgramError):
        Program.load(damaged, verify_digest=digest)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 1 << 20), value=st.integers(0, 255))
def test_damaged_schedules_raise_nothing_else(tmp_path: Path, scheduled: Program, position: int, value: int) -> None:
    """Any byte of what tells times can be anything: the checker finds it or the schedule can be kept."""
    file = tmp_path / "scheduled.cim"
    pipelined(scheduled).save(file)
    data = bytearray(file.read_bytes())
    data[position % len(data)] = value
    file.write_bytes(data)
    with suppress(ProgramError):
        verify_schedule(Program.load(file, verify_digest=False))


@pytest.mark.parametrize("error", [KeyError("x"), OverflowError("too large"), RecursionError("deep"), TypeError("no")])
def test_what_nobody_foresaw_is_damage_of_the_file(
    error: Exception, handmade: Program, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a file is read nothing is a mistake of ours."""

    def fail(self: Program) -> None:
        raise error

    monkeypatch.setattr(Program, "verify", fail)
    with pytest.raises(ProgramError) as found:
        Program.load(path)
    assert str(found.value) == f"{path}: damaged: {type(error).__name__}: {error}"
