"""Inputs of a run: every message, and random ones."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.machine.inputs import check_inputs, random_inputs, read_inputs
from cimc.program.errors import ProgramError
from cimc.program.metadata import Input
from cimc.program.program import Program

EXPECTED = [
    Input("ids", "int64", ("batch", "sequence"), 0, 5, 9),
    Input("mask", "int64", ("batch", "sequence"), 1),
    Input("scale", "float32", (2,), 2),
    Input("text", "string", (None,), 3),
    Input("flag", "bool", (), 4),
]
GOOD: dict[str, NDArray[Any]] = {
    "ids": np.zeros((1, 8), np.int64),
    "mask": np.zeros((1, 8), np.int64),
    "scale": np.zeros(2, np.float32),
    "text": np.array(["a"], np.object_),
    "flag": np.array(True),
}


def test_good_inputs_are_accepted() -> None:
    assert check_inputs(EXPECTED, GOOD).keys() == GOOD.keys()


def test_inputs_become_contiguous() -> None:
    transposed = np.zeros((8, 1), np.int64).T
    assert check_inputs(EXPECTED, {**GOOD, "ids": transposed[:, ::-1]})["ids"].flags.c_contiguous


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"idz": GOOD["ids"]}, "input idz is unknown, the program takes ids, mask, scale, text, flag"),
        ({"ids": None}, "input ids is missing, the program takes ids, mask, scale, text, flag"),
        ({"ids": np.zeros((1, 8), np.int32)}, "input ids has type int32, expected int64"),
        ({"scale": np.array(["x", "y"])}, "input scale has type string, expected float32"),
        ({"text": np.zeros(1)}, "input text has type float64, expected string"),
        ({"ids": np.zeros(8, np.int64)}, "input ids has shape [8], expected [batch, sequence]"),
        ({"scale": np.zeros(3, np.float32)}, "input scale has shape [3], expected [2]"),
        ({"text": np.array("x")}, "input text has shape [], expected [?]"),
        (
            {"mask": np.zeros((1, 7), np.int64)},
            "input mask has shape [1, 7], expected [batch, sequence] where sequence is 8 in input ids",
        ),
    ],
)
def test_messages(change: dict[str, NDArray[Any] | None], message: str) -> None:
    inputs = {name: array for name, array in {**GOOD, **change}.items() if array is not None}
    with pytest.raises(ProgramError) as error:
        check_inputs(EXPECTED, inputs)
    assert str(error.value) == message


def test_initializers_of_the_network() -> None:
    """They are told from names that nobody knows; an input of the program is one, whatever else it is."""
    with pytest.raises(ProgramError) as error:
        check_inputs(EXPECTED, {**GOOD, "w": np.zeros(3)}, ("w", "ids"))
    assert str(error.value) == (
        "input w is an initializer of the network, whose value is part of the program: leave it out, or compile the "
        "network with another value; the program takes ids, mask, scale, text, flag"
    )


def test_random_inputs(handmade: Program) -> None:
    program = replace(handmade, inputs=EXPECTED)
    inputs = check_inputs(EXPECTED, random_inputs(program.inputs, seed=3))
    assert inputs["ids"].shape == inputs["mask"].shape == (1, 16)
    assert set(inputs["ids"].ravel().tolist()) <= {5, 6, 7, 8}
    assert set(inputs["mask"].ravel().tolist()) <= {0, 1}
    again = random_inputs(program.inputs, seed=3)
    assert all((again[name] == inputs[name]).all() for name in inputs)
    assert random_inputs(program.inputs, dims={"sequence": 5, "batch": 2})["mask"].shape == (2, 5)
    unsaid, first, second = random_inputs(program.inputs), *(random_inputs(program.inputs, seed) for seed in (0, 1))
    np.testing.assert_array_equal(unsaid["scale"], first["scale"])
    assert (first["scale"] != second["scale"]).all()


def test_a_named_dimension_has_one_length() -> None:
    """The length that it gets where it comes up first, wherever it stands later."""
    first, second = Input("x", "float32", ("batch", "sequence"), 0), Input("lengths", "int64", ("sequence", "batch"), 1)
    inputs = random_inputs([first, second])
    assert (inputs["x"].shape, inputs["lengths"].shape) == ((1, 16), (16, 1))
    inputs = random_inputs([second, first])
    assert (inputs["x"].shape, inputs["lengths"].shape) == ((16, 1), (1, 16))
    check_inputs([first, second], inputs)


def test_a_sum_of_dimensions() -> None:
    """An attention mask is as long as the past and the new tokens together, and hides none of them."""
    mask = Input("attention_mask", "int64", ("batch", "past + sequence"), 0)
    keys = Input("past_key_values.0.key", "float32", ("batch", 2, "past", 4), 1)
    ids = Input("input_ids", "int64", ("batch", "sequence"), 2)
    inputs = random_inputs([mask, keys, ids])
    assert [inputs[name].shape for name in inputs] == [(1, 32), (1, 2, 16, 4), (1, 16)]
    assert inputs["attention_mask"].all()
    shapes = [array.shape for array in random_inputs([mask, keys, ids], dims={"past": 5, "batch": 3}).values()]
    assert shapes == [(3, 21), (3, 2, 5, 4), (3, 16)]
    assert random_inputs([replace(mask, dtype="bool")])["attention_mask"].all()


def test_type_without_random_values(handmade: Program) -> None:
    with pytest.raises(ProgramError, match=r"^input x has type float4: no random values, give some$"):
        random_inputs([Input("x", "float4", (), 0)])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Input("x", "int8", (1,), 0, low=3, high=3), "input x has integers from 3 to 2: give some"),
        (Input("x", "int64", (1,), 0, high=1 << 70), f"input x has integers from 0 to {(1 << 70) - 1}: give some"),
        (
            Input("x", "float32", (1 << 20, 1 << 20), 0),
            "input x has shape [1048576, 1048576]: too many random values, give some",
        ),
    ],
)
def test_no_random_values(given: Input, message: str) -> None:
    with pytest.raises(ProgramError) as error:
        random_inputs([given])
    assert str(error.value) == message


def test_unknown_dimension(handmade: Program) -> None:
    with pytest.raises(ProgramError, match=r"^dimension sequense is unknown, the inputs have batch, sequence$"):
        random_inputs(EXPECTED, dims={"sequense": 4})


def test_damaged_archives(damaged_archives: dict[str, bytes], tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    for damage, content in damaged_archives.items():
        file.write_bytes(content)
        with pytest.raises(ProgramError) as error:
            read_inputs(file)
        assert str(error.value).startswith(f"{file}: not an .npz file"), damage


@pytest.mark.parametrize("dtype", ["O", "U3", "M8[ns]", "float32,int8", "V3", "no type"])
def test_types_without_random_values(dtype: str) -> None:
    with pytest.raises(ProgramError) as error:
        random_inputs([Input("x", dtype, (2,), 0)])
    assert str(error.value) == f"input x has type {dtype}: no random values, give some"


def test_shapes_without_random_values() -> None:
    huge = 1 << 62
    with pytest.raises(ProgramError) as error:
        random_inputs([Input("x", "float32", (0, huge, huge), 0)])
    assert str(error.value) == f"input x has shape [0, {huge}, {huge}]: too many random values, give some"
