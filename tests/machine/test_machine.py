"""Whole programs: through the file and both engines, to the bits of ONNX Runtime."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from cimc.machine.check import compare, run_reference
from cimc.machine.machine import Machine
from cimc.program.errors import ProgramError
from cimc.program.metadata import Input, Value, Weight
from cimc.program.program import Program

EngineName = Literal["fast", "reference"]
engines = pytest.mark.parametrize("engine", ["fast", "reference"])


@engines
def test_handmade_program_has_the_bits_of_onnx_runtime(
    handmade: Program, handmade_model: bytes, engine: EngineName, tmp_path: Path
) -> None:  # N21, I5, I9
    handmade.save(tmp_path / "made.cim")
    machine = Machine(Program.load(tmp_path / "made.cim"), engine)
    for vectors in (1, 5):
        inputs = {"x": np.random.default_rng(vectors).standard_normal((vectors, 4)).astype(np.float32)}
        found, expected = machine.run(inputs), run_reference(handmade_model, inputs)
        assert str(compare(found, expected)) == f"check: identical, {vectors * 3} values in 1 outputs"
    assert machine.clipped == {0: 0}


@engines
def test_no_vectors_give_an_empty_output(handmade: Program, engine: EngineName) -> None:  # I5
    outputs = Machine(handmade, engine).run({"x": np.zeros((0, 4), np.float32)})
    assert outputs["y"].shape == (0, 3)
    assert outputs["y"].dtype == np.float32


@engines
def test_clipped_conversions_are_counted_per_stage(handmade: Program, engine: EngineName) -> None:
    multiplies = handmade.instructions[3:5]
    multiplies["adc_bits"], multiplies["stage"] = [2, 8], [0, 7]
    machine = Machine(handmade, engine)
    machine.run({"x": np.full((1, 4), 2.5, np.float32)})
    assert machine.clipped[0] > 0
    assert machine.clipped[7] == 0


@engines
def test_columns_are_delivered_in_order(handmade: Program, engine: EngineName, tmp_path: Path) -> None:
    """Column j of the weight becomes element `order[j]` of the value, also if it is made by several records (I13)."""
    order = np.array([2, 0, 1], np.int32)
    plain = replace(handmade, constants=[handmade.constants[0], np.ones(3, np.float32)])
    ordered = replace(
        plain,
        tables=[*plain.tables, order],
        multiplications=[replace(plain.multiplications[0], order=1)],
        instructions=plain.instructions[[0, 1, 2, 3, 4, 4, 5]],
    )
    ordered.save(tmp_path / "ordered.cim")
    ordered = Program.load(tmp_path / "ordered.cim")
    inputs = {"x": np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)}
    twice = replace(plain, instructions=ordered.instructions)
    found, expected = Machine(ordered, engine).run(inputs)["y"], Machine(twice, engine).run(inputs)["y"]
    assert len({*expected[0].tolist()}) == 3
    np.testing.assert_array_equal(found[..., order], expected)


@engines
def test_conversions_are_counted_per_stage(handmade: Program, engine: EngineName) -> None:
    """8 planes and 4 slices of 3 columns in 2 records, for 5 vectors."""
    machine = Machine(handmade, engine)
    machine.run({"x": np.ones((5, 4), np.float32)})
    assert machine.conversions == {0: 5 * 8 * 4 * 3 * 2}
    assert len(machine.native) == len(machine.steps)


@engines
def test_ideal_adcs_do_not_clip(handmade: Program, engine: EngineName) -> None:
    inputs = {"x": np.full((1, 4), 2.5, np.float32)}
    expected = Machine(handmade, engine).run(inputs)["y"]
    handmade.instructions["adc_bits"][3:5], handmade.instructions["adc_shift"][3:5] = 2, 1
    lossy, ideal = Machine(handmade, engine), Machine(handmade, engine, ideal=True)
    assert (lossy.run(inputs)["y"] != expected).any()
    np.testing.assert_array_equal(ideal.run(inputs)["y"], expected)
    assert ideal.clipped == {0: 0}


def test_a_machine_that_keeps_nothing(handmade: Program) -> None:
    inputs = {"x": np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)}
    expected, found = (Machine(handmade, keep=keep, threads=1).run(inputs)["y"] for keep in (True, False))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("rows", "dtype", "message"),
    [
        (5, "uint8", "multiplication /fc takes vectors of 5 int8 or uint8, found uint8 [1, 4]"),
        (4, "int32", "multiplication /fc takes vectors of 4 int8 or uint8, found int32 [1, 4]"),
    ],
)
def test_operands_that_do_not_fit(handmade: Program, rows: int, dtype: str, message: str) -> None:  # I11
    weight = Weight("fc.weight", rows, 3)
    inputs = [Input("x", dtype, ("batch", 4), 2)]
    program = replace(handmade, instructions=handmade.instructions[2:], inputs=inputs, weights=[weight])
    with pytest.raises(ProgramError) as error:
        Machine(program).run({"x": np.zeros((1, 4), dtype)})
    assert str(error.value) == message


def test_a_program_of_wrong_numbers(handmade: Program) -> None:
    """A machine is made of whatever it is given, and so looks at it first."""
    with pytest.raises(ProgramError, match=r"^kernel 1 uses value 4, the program has 4 values$"):
        Machine(replace(handmade, slots=4))


@pytest.mark.parametrize("element", [4, 9])
def test_table_beyond_its_vector(handmade: Program, element: int) -> None:  # I16
    program = replace(handmade, tables=[np.array([0, 1, 2, element], np.int32)])
    with pytest.raises(ProgramError, match=rf"^table 0 reads element {element} of a vector of 4$"):
        Machine(program).run({"x": np.zeros((1, 4), np.float32)})


def test_values_without_dimensions(handmade: Program) -> None:
    """They hold no vectors, neither to multiply nor to permute."""
    one = np.array(1, np.uint8)
    multiplied = replace(handmade, instructions=handmade.instructions[2:], inputs=[Input("x", "uint8", None, 2)])
    with pytest.raises(ProgramError, match=r"^multiplication /fc takes vectors of 4 int8 or uint8, found uint8 \[\]$"):
        Machine(multiplied).run({"x": one})
    permuted = replace(handmade, instructions=handmade.instructions[1:], inputs=[Input("x", "uint8", None, 1)])
    with pytest.raises(ProgramError, match=r"^table 0 reads element 3 of a vector of 0$"):
        Machine(permuted).run({"x": one})


@pytest.mark.parametrize("table", [[], [3], [3, 3, 0, 0, 1]])
def test_a_permutation_may_choose(handmade: Program, table: list[int]) -> None:
    """Elements may be left out, all of them, or come twice."""
    program = replace(
        handmade,
        instructions=handmade.instructions[1:2],
        tables=[np.array(table, np.int32)],
        inputs=[Input("x", "uint8", ("batch", 4), 1)],
        outputs=[Value("y", "uint8", ("batch", len(table)), 2)],
    )
    found = Machine(program).run({"x": np.array([[5, 6, 7, 8]], np.uint8)})["y"]
    assert found.tolist() == [[[5, 6, 7, 8][i] for i in table]]


@engines
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_inputs_of_fewer_bits_are_not_cut_off(handmade: Program, engine: EngineName, dtype: str) -> None:  # I24
    """Numbers that fit are multiplied, in fewer planes; others end the run."""
    few = replace(
        handmade,
        instructions=handmade.instructions[2:5],
        multiplications=[replace(handmade.multiplications[0], node="/product", input_bits=5)],
        inputs=[Input("x", dtype, ("n", 4), 2)],
        outputs=[Value("y", "int32", ("n", 3), 3)],
        kernels=[],
    )
    machine = Machine(few, engine)
    if dtype == "int8":
        with pytest.raises(ProgramError, match=r"^multiplication /product takes uint8 of 5 bits, found int8$"):
            machine.run({"x": np.zeros((2, 4), np.int8)})
        return
    machine.run({"x": np.full((2, 4), 31, np.uint8)})
    assert machine.conversions == {0: 2 * 5 * 4 * 6}
    message = "^multiplication /product takes numbers of 5 bits: found 32, expected at most 31$"
    for _ in range(2):
        with pytest.raises(ProgramError, match=message):
            machine.run({"x": np.array([[31, 0, 0, 0], [0, 0, 0, 32]], np.uint8)})
