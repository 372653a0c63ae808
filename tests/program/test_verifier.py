"""Every message of the verifier, each from one change to a good program."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cimc.program.arrays.formats import Format
from cimc.program.control_flow.controls import Loop
from cimc.program.errors import ProgramError
from cimc.program.metadata import ENCODINGS, Input, Kernel, Multiplication, Timing, Weight
from cimc.program.program import OPERATION_FIELDS, Program
from cimc.program.verification.chips import verify_timing

Change = Callable[[Program], Program]
TABLES = [2, 0, 3, 1], [2, 0, 1]


def program(**fields: Any) -> Change:
    return lambda program: replace(program, **fields)


def chip(**fields: Any) -> Change:
    return lambda program: replace(program, chip=replace(program.chip, **fields))


def units(**fields: Any) -> Change:
    def change(program: Program) -> Program:
        assert program.timing is not None
        return replace(program, timing=replace(program.timing, **fields))

    return change


def kernel(number: int, **fields: Any) -> Change:
    def change(program: Program) -> Program:
        kernels = list(program.kernels)
        kernels[number] = replace(kernels[number], **fields)
        return replace(program, kernels=kernels)

    return change


def tile(number: int, **fields: int) -> Change:
    names = ["weight", "array", "row", "column", "rows", "columns", "weight_row", "weight_column"]

    def change(program: Program) -> Program:
        for name, value in fields.items():
            program.tiles[number, names.index(name)] = value
        return program

    return change


def record(number: int, **fields: int) -> Change:
    def change(program: Program) -> Program:
        for name, value in fields.items():
            program.instructions[name][number] = value
        return program

    return change


def operation(number: int, **fields: int) -> Change:
    def change(program: Program) -> Program:
        for name, value in fields.items():
            program.operations[number, OPERATION_FIELDS.index(name)] = value
        return program

    return change


def order(*numbers: int) -> Change:
    """The program with these of its records."""
    return lambda program: replace(program, instructions=program.instructions[list(numbers)])


def stray_weight(program: Program) -> Program:
    program.arrays[1, 0, 0] = 1
    return program


def shared_in_part(program: Program) -> Program:
    """A tile on the upper row of another one."""
    tiles = np.concatenate([program.tiles, program.tiles[:1]])
    tiles[2, 4] = 1
    return replace(program, tiles=tiles)


def test_tiles_may_share_a_place(handmade: Program) -> None:
    """Also those of different weights; the cells outside are then still found to be empty."""
    weights = [*handmade.weights, Weight("other", 4, 3)]
    other = handmade.tiles + np.array([1, 0, 0, 0, 0, 0, 0, 0], np.int32)
    tiles, offsets = np.concatenate([handmade.tiles, other]), np.tile(handmade.offsets, 2)
    shared = replace(handmade, weights=weights, tiles=tiles, offsets=offsets)
    shared.verify()
    with pytest.raises(ProgramError, match="array 1 holds weights outside of its tiles"):
        stray_weight(shared).verify()


def shared_with_other_offsets(program: Program) -> Program:
    tiles = np.concatenate([program.tiles, program.tiles[:1]])
    return replace(program, tiles=tiles, offsets=np.concatenate([program.offsets, program.offsets[:2], [0]]))


def of_few_bits(offset: int = 8, **fields: Any) -> Change:
    """The handmade program in arrays of 4 bits, with small weights; one column has an offset of its own."""

    def change(program: Program) -> Program:
        arrays, offsets = program.arrays // 16, np.full(len(program.offsets), 8, np.int16)
        offsets[0] = offset
        few = replace(program, arrays=arrays, formats=[Format(4, "offset")], offsets=offsets)
        return replace(few, **fields)

    return change


def too_large(program: Program) -> Program:
    few = of_few_bits()(program)
    few.arrays[1, 3, 5] = 9
    return few


def test_weights_fit_their_format(handmade: Program) -> None:
    """With an offset of its own a column may hold what one of midpoints could not; in any encoding."""
    of_few_bits()(handmade).verify()
    few = of_few_bits(0)(handmade)
    _, array, row, column, rows, _, _, _ = few.tiles[0].tolist()
    few.arrays[array, row : row + rows, column] = 15
    few.verify()
    for encoding in ENCODINGS[1:]:
        formats = [Format(4, encoding)]
        of_few_bits(formats=formats, offsets=np.zeros(0, np.int16))(handmade).verify()


def test_the_handmade_program_is_good(handmade: Program) -> None:
    handmade.verify()


def test_as_many_units_as_there_may_be() -> None:
    verify_timing(Timing(0, (1,), 0, 0, digital_units=65535, attention_units=65535, vector_width=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (chip(encoding="gray"), "chip encoding gray is unknown, expected offset, twos-complement, differential, auto"),
        (chip(cell_bits=3), "chip cell_bits is 3, expected 1, 2, 4 or 8"),
        (chip(dac_bits=0), "chip dac_bits is 0, expected 1, 2, 4 or 8"),
        (chip(adcs=0), "chip adcs is 0, expected 1 to 65535"),
        (chip(adcs=1 << 40), f"chip adcs is {1 << 40}, expected 1 to 65535"),
        (chip(adc_bits=33), "chip adc_bits is 33, expected 1 to 32"),
        (chip(details={"dac_pj": -1e300}), "chip dac_pj is a number above 1000000000000000.0"),
        (chip(details={"dac_pj": float("nan")}), "chip dac_pj is a number above 1000000000000000.0"),
        (chip(details={"dac_pj": 1e300}), "chip dac_pj is a number above 1000000000000000.0"),
        (chip(rows=70000), "chip rows is 70000, expected 1 to 65535"),
        (chip(columns=4), "arrays have shape (4, 8), the chip has (4, 4)"),
        # I4
        (tile(1, column=-1), "tile 1 has a negative number"),
        (tile(1, weight=1), "tile 1 lies in weight 1, the program has 1 weights"),
        (tile(0, array=2), "tile 0 lies in array 2, the program has 2 arrays"),
        (tile(0, row=3), "tile 0 covers array rows 3 to 5, there are 4"),
        (tile(0, column=6), "tile 0 covers array columns 6 to 9, there are 8"),
        (tile(0, rows=0), "tile 0 covers array rows 2 to 2, there are 4"),
        (tile(0, weight_row=3), "tile 0 covers weight rows 3 to 5, there are 4"),
        (tile(0, weight_column=1), "tile 0 covers weight columns 1 to 4, there are 3"),
        (tile(0, row=1), "tiles overlap in array 1"),
        (shared_in_part, "tiles overlap in array 1"),
        (stray_weight, "array 1 holds weights outside of its tiles"),
        # I23, I24
        (program(formats=[Format(9, "offset")]), "format 0 has weights of 9 bits, expected 2 to 8"),
        (
            program(formats=[Format(8, "offset"), Format(8, "auto")]),
            "encoding auto of format 1 is unknown, expected offset, twos-complement, differential",
        ),
        (program(formats=[Format(8, "offset")] * 257), "the program has 257 formats, expected 1 to 256"),
        (program(array_formats=np.zeros(3, np.uint8)), "3 arrays have a format, the program has 2 arrays"),
        (program(array_formats=np.array([0, 1], np.uint8)), "array 1 has format 1, the program has 1 formats"),
        (program(offsets=np.full(5, 128, np.int16)), "there are 5 offsets, tiles have 6 columns"),
        (program(offsets=np.full(6, 256, np.int16)), "tile 0 has an offset of 256, expected -127 to 255"),
        (program(formats=[Format(8, "differential")]), "tile 0 has an offset of 128, array 1 is 8-bit differential"),
        (shared_with_other_offsets, "tile 2 has other offsets than tile 0, which lies in the same place"),
        (
            program(formats=[Format(7, "offset")], offsets=np.full(6, 64, np.int16)),
            "array 1 holds -128 in row 3 of column 4, expected -64 to 63, for it is 7-bit offset with offset 64",
        ),
        (
            program(formats=[Format(7, "twos-complement")], offsets=np.zeros(0, np.int16)),
            "array 1 holds -128 in row 3 of column 4, expected -64 to 63, for it is 7-bit twos-complement",
        ),
        (
            too_large,
            "array 1 holds 9 in row 3 of column 5, expected -8 to 7, for it is 4-bit offset with offset 8",
        ),
        (
            program(multiplications=[Multiplication(3, 2, 0, input_bits=3)]),
            "multiplication 0 takes inputs of 3 bits, expected 4 to 8",
        ),
        (
            program(multiplications=[Multiplication(3, 2, 0, signed=True, input_bits=7)]),
            "multiplication 0 takes signed inputs of 7 bits, expected 8",
        ),
        # I7, but for orders: I13
        (
            program(multiplications=[Multiplication(3, 2, 1)]),
            "multiplication 0 uses weight 1, the program has 1 weights",
        ),
        (
            program(multiplications=[Multiplication(3, 9, 0)]),
            "multiplication 0 uses value 9, the program has 5 values",
        ),
        (
            program(multiplications=[Multiplication(3, 2, 0)] * 2),
            "two multiplications write the same value",
        ),
        (
            program(weights=[Weight("w", 4, 1 << 60)], multiplications=[Multiplication(3, 2, 0, order=0)]),
            f"table 0 is no order of the {1 << 60} columns of multiplication 0",
        ),
        (
            program(multiplications=[Multiplication(3, 2, 0, order=1)]),
            "multiplication 0 is ordered by table 1, the program has 1 tables",
        ),
        (
            program(multiplications=[Multiplication(3, 2, 0, order=0)]),
            "table 0 is no order of the 3 columns of multiplication 0",
        ),
        (
            program(
                multiplications=[Multiplication(3, 2, 0, order=1)],
                tables=[np.array([2, 0, 3, 1], np.int32), np.array([0, 1, 1], np.int32)],
            ),
            "table 1 is no order of the 3 columns of multiplication 0",
        ),
        (
            program(kernels=[Kernel(b"", (0,), (1,), (), (2,))]),
            "kernel 0 uses constant 2, the program has 2 constants",
        ),
        (
            program(tables=[np.array([-1], np.int32)]),
            "table 0 holds the negative number -1",
        ),
        (program(inputs=[Input("x", "int8", (), 8)]), "an input uses value 8, the program has 5 values"),
        (program(inputs=[Input("x", "int8", (), 5)]), "an input uses value 5, the program has 5 values"),
        (record(1, op=12), "record 1 has opcode 12, expected 1 to 11"),
        (record(3, adc_bits=0), "record 3 has adc_bits 0, expected 1 to 32"),
        (record(3, adc_shift=25), "record 3 has adc_shift 25, expected 0 to 24"),
        (record(1, x=5), "record 1 reads value 5, the program has 5 values"),
        (record(1, y=5), "record 1 writes value 5, the program has 5 values"),
        (record(3, array=2), "record 3 uses array 2, the program has 2 arrays"),
        (record(0, k=2), "record 0 runs kernel 2, the program has 2 kernels"),
        (record(1, k=1), "record 1 uses table 1, the program has 1 tables"),
        (record(3, row=3), "record 3 covers array rows 3 to 5, there are 4"),
        (record(3, columns=0), "record 3 covers array columns 4 to 4, there are 8"),
        (record(3, k=3), "record 3 covers weight rows 3 to 5, there are 4"),
        (record(3, n=1), "record 3 covers weight columns 1 to 4, there are 3"),
        # I11
        (record(3, x=1), "record 3: no multiplication of value 1 gives value 3"),
        (record(2, n=4), "record 2 clears 4 columns, the weight has 3 columns"),
        # I1, I2
        (order(1, 2, 3, 4, 5), "record 0 uses value 1 before it is written"),
        (order(0, 1, 3, 4, 5), "record 2 adds to value 3, which no CLEAR has written"),
        (record(1, x=2), "record 1 uses value 2 before it is written"),  # a permutation of what it writes itself
        (kernel(1, inputs=(4,)), "record 5 uses value 4 before it is written"),
        (order(0, 1, 2, 3, 4), "the output in value 4 is never written"),
        (order(0, 1, 5, 2, 3, 4), "record 2 uses value 3 before it is written"),
        (order(0, 1, 2, 3, 4, 5, 2), "value 3 is written 2 times, expected once"),
        (order(0, 1, 2, 3, 4, 5, 2, 0, 0), "value 1 is written 3 times, expected once"),
    ],
)
def test_messages(handmade: Program, change: Change, message: str) -> None:
    with pytest.raises(ProgramError) as error:
        change(handmade).verify()
    assert str(error.value) == message


@pytest.mark.parametrize(
    "change",
    [
        chip(adcs=1, adc_bits=32, details={"dac_pj": 1e15, "adc_pj": -1e15, "source": "made up"}),
        chip(adcs=65535, adc_bits=1),
        chip(encoding="twos-complement", cell_bits=8, dac_bits=8),
        record(3, adc_bits=32, adc_shift=24),
        program(multiplications=[Multiplication(3, 2, 0, order=1)], tables=[np.array(t, np.int32) for t in TABLES]),
        program(tables=[np.array([2, 0, 3, 1], np.int32), np.zeros(0, np.int32)]),
    ],
)
def test_the_largest_and_the_least_that_may_be(handmade: Program, change: Change) -> None:
    change(handmade).verify()


def test_the_scheduled_program_is_good(scheduled: Program) -> None:
    scheduled.verify()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (record(1, flags=2), "record 1 has direction 2, expected 0 to 1"),
        (record(9, flags=255), "record 9 has direction 255, expected 0 to 1"),
        (record(1, x=7), "record 1 reads value 7, the program has 7 values"),
        (record(5, n=1), "record 5 covers weight columns 1 to 3, there are 2"),
        (record(5, columns=0), "record 5 covers weight columns 0 to 0, there are 2"),
        (record(5, x=5), "record 5: no multiplication of value 5 gives value 2"),
        (record(5, y=4), "record 5: no multiplication of value 1 gives value 4"),
        (order(0, 1, 5, 2, 3, 4), "record 2 adds to value 2, which no CLEAR has written"),
        (order(1, 0), "record 0 uses value 1 before it is written"),
        (order(0, 9, 2), "record 1 uses value 2 before it is written"),
        (units(digital_units=65536), "digital_units is 65536, expected at most 65535"),
        (units(attention_units=65536), "attention_units is 65536, expected at most 65535"),
        (units(buffers=0), "buffers is 0, expected 1 or 2"),
        (units(buffers=3), "buffers is 3, expected 1 or 2"),
        (units(links=0), "links is 0, expected 1 to 65535"),
        (units(links=65536), "links is 65536, expected 1 to 65535"),
        (units(link_bits_per_ns=1e-4), "link_bits_per_ns is 0.0001, expected 0.001 to 1000000000000000.0"),
        (units(link_bits_per_ns=1e16), "link_bits_per_ns is 1e+16, expected 0.001 to 1000000000000000.0"),
        (operation(1, start_ps=-1), "operation 1 has a negative number"),
        (operation(3, kernel=2), "operation 3 belongs to kernel 2, the program has 2 kernels"),
    ],
)
def test_messages_of_records_that_tell_time(scheduled: Program, change: Change, message: str) -> None:
    with pytest.raises(ProgramError) as error:
        change(scheduled).verify()
    assert str(error.value) == message


def flow(**changes: Any) -> Change:
    def change(program: Program) -> Program:
        (loop,) = program.controls
        assert isinstance(loop, Loop)
        return replace(program, controls=[replace(loop, **changes)])

    return change


def in_order(*numbers: int) -> Change:
    return lambda program: replace(program, instructions=program.instructions[list(numbers)])


def output_in(slot: int) -> Change:
    return lambda program: replace(program, outputs=[replace(program.outputs[0], slot=slot)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (flow(again=7), "control flow 0 uses value 7, the program has 7 values"),
        (flow(trips=5), "record 0 uses value 5 before it is written"),
        (flow(trips=3), "record 0 uses value 3 before it is written"),
        (flow(stacked=()), "the output in value 6 is never written"),
        (flow(iteration=2), "value 2 is written 2 times, expected once"),
        (output_in(4), "the output in value 4 is never written"),
        (in_order(0, 1, 2, 3, 4, 6, 5), "record 6 uses value 3 outside of the body that writes it"),
        (in_order(0, 1, 2, 3, 6), "record 4 uses value 4 before it is written"),
        (in_order(0, 1, 2, 3, 4, 5), "control flow 0 begins and never ends"),
        (in_order(1, 2, 3, 4, 5), "control flow 0 is never run"),
        (program(controls=[]), "record 0 uses control flow 0, the program has 0"),
    ],
)
def test_messages_of_control_flow(looped: Program, change: Change, message: str) -> None:
    """Values are known in the body that writes them (I20)."""
    looped.verify()
    with pytest.raises(ProgramError) as error:
        change(looped).verify()
    assert str(error.value) == message


def test_a_value_is_cleared_where_it_is_added_to(looped: Program) -> None:
    """Otherwise an iteration would add to what the one before has added."""
    (loop,) = looped.controls
    assert isinstance(loop, Loop)
    outside = replace(looped.multiplications[0], x=1)
    records = looped.instructions[[2, 0, 3, 5, 6]]
    records["x"][[0, 2]] = 1
    changed = replace(looped, instructions=records, multiplications=[outside])
    with pytest.raises(ProgramError, match="record 2 adds to value 3, which is cleared outside of its body"):
        changed.verify()
