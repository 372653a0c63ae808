"""The formats of a program's arrays, counted by hand on arrays of 4x4 with 2-bit cells."""

from dataclasses import replace

import numpy as np

from cimc.program.arrays.conversions import conversions_of
from cimc.program.arrays.formats import are_centred
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.formats import (
    FormatUse,
    format_lines,
    format_text,
    format_uses,
    marked_formats,
    utilization_of,
)


def uses_of(program: Program) -> tuple[FormatUse, ...]:
    records = program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
    return format_uses(program, records, conversions_of(records, program).astype(np.float64))


def test_one_format(program: Program) -> None:
    """Weights of 4x6 and 6x6 in 6 arrays; 6 columns twice, then 6 columns in each of two groups of rows."""
    (use,) = uses_of(program)
    conversions = 2 * 6 * 4 * 8 + 2 * 6 * 4 * 8
    assert use == FormatUse(8, "offset", False, 4, 6, 24, 4 * 4, 60, 60 / 96, conversions)
    assert utilization_of([use], 16) == 60 / 96
    line = "arrays        6 of 4 crossbars (linear mapping; no mapping needs fewer than 4)"
    assert list(format_lines([use], "linear", (4, 16))) == [line]
    narrow = replace(use, bits=4)
    assert list(format_lines([narrow], "linear", (4, 16))) == [line, "format        4-bit offset"]
    single = next(format_lines([replace(narrow, slices=1)], "linear", (4, 4)))
    assert single.startswith("arrays        6 of 1 crossbar (")


def test_several_formats(mixed: Program) -> None:
    """Of 4 bits a weight has 2 cells, differential of 3 bits 4; the inputs of the last layer have 5 planes."""
    wide, narrow, signed = uses_of(mixed)
    planes = 5
    assert wide == FormatUse(8, "offset", False, 4, 2, 8, 8, 24, 24 / 32, 6 * 4 * planes)
    assert narrow == FormatUse(4, "offset", True, 2, 2, 4, 4, 24, 24 / 32, 2 * 6 * 2 * 8)
    assert signed == FormatUse(3, "differential", False, 4, 2, 8, 4, 12, 12 / 32, 6 * 4 * planes)
    assert utilization_of([wide, narrow, signed], 16) == (4 * 24 + 2 * 24 + 4 * 12) / (20 * 16)


def test_formats_without_arrays_are_left_out(mixed: Program) -> None:
    only = replace(mixed, array_formats=np.full(6, 2, np.uint8))
    (use,) = uses_of(only)
    assert (use.bits, use.arrays, use.stored_weights) == (3, 6, 60)


def test_no_arrays() -> None:
    assert utilization_of([], 16) == 0
    assert list(format_lines([], "spread", (0, 0))) == [
        "arrays        0 (spread mapping; no mapping needs fewer than 0)"
    ]


def test_which_tiles_have_offsets_of_their_own(program: Program, mixed: Program) -> None:
    assert not are_centred(program).any()
    centred = are_centred(mixed)
    assert int(centred.sum()) == 1
    assert mixed.tiles[centred][0, 0] == mixed.multiplications[0].weight


def test_formats_on_a_map_where_there_are_several(program: Program, mixed: Program) -> None:
    assert marked_formats(program) == []
    marked = marked_formats(mixed)
    assert [own.text for own in marked] == ["8-bit offset", "4-bit offset, centred", "3-bit differential"]
    assert len({own.color for own in marked}) == 3
    assert sorted(array for own in marked for array in own.arrays.tolist()) == list(range(6))
    assert [len(own.arrays) for own in marked] == [use.arrays for use in uses_of(mixed)]


def test_a_format_in_words() -> None:
    assert format_text(4, "offset", True) == "4-bit offset, centred"
    assert format_text(8, "twos-complement", False) == "8-bit twos-complement"
