"""Images of a program's cells: pieces by record, equal ones packed once, exact ones as bytes with their sums."""

from dataclasses import replace

import numpy as np

from cimc.machine.fast.image import Packer
from cimc.machine.fast.lanes import LANES
from cimc.program.program import Program
from cimc.program.records import Opcode, Records, multiply_records


def lossless(program: Program) -> Program:
    """The same program with ADCs that never clip."""
    records = program.instructions.copy()
    records["adc_bits"] = 16
    return replace(program, instructions=records)


def test_pieces_and_work_of_each_record(handmade: Program) -> None:
    image = Packer(handmade).pack(handmade.instructions)
    multiplies = handmade.instructions["op"] == Opcode.MULTIPLY
    assert np.diff(image.bounds).tolist() == multiplies.astype(int).tolist()
    assert image.pieces["record"].tolist() == np.flatnonzero(multiplies).tolist()
    cells = handmade.instructions["rows"][multiplies].astype(int) * handmade.instructions["columns"][multiplies]
    assert np.diff(image.work).tolist() == cells.tolist()


def test_exact_pieces_are_bytes_with_the_sums_of_their_columns(handmade: Program) -> None:
    program = lossless(handmade)
    image = Packer(program).pack(program.instructions)
    assert image.is_exact
    for piece in image.pieces:
        row, rows, column, columns = (int(piece[name]) for name in ("row", "rows", "column", "columns"))
        cells = program.arrays[piece["array"], row : row + rows, column : column + columns].astype(int)
        begin = int(piece["sums"])
        assert image.column_sums.view(np.int32)[begin : begin + columns].tolist() == cells.sum(axis=0).tolist()
        block = image.words[int(piece["first"]) : int(piece["first"]) + LANES].view(np.int8).reshape(LANES, 4)
        assert block[:columns, :rows].T.tolist() == cells.tolist()
        assert not block[columns:].any()
        assert not block[:, rows:].any()


def test_conversions_that_may_clip_are_not_exact(handmade: Program) -> None:
    records = lossless(handmade).instructions.copy()
    records["adc_bits"][np.flatnonzero(records["op"] == Opcode.MULTIPLY)[0]] = 1
    image = Packer(handmade).pack(records)
    assert not image.is_exact
    assert sorted(image.pieces["exact"].tolist()) == [0, 1]


def test_equal_pieces_are_packed_once(handmade: Program) -> None:
    """Whatever they add to, and from which elements on."""

    def record(k: int, n: int, row: int) -> Records:
        return multiply_records(
            stage=0, x=2, y=3, array=1, k=k, n=n, row=row, column=4, rows=2, columns=3, adc_bits=16, bound=0
        )

    packer = Packer(handmade)
    once = packer.pack(record(0, 0, 0))
    twice = packer.pack(np.concatenate([record(0, 0, 0), record(2, 3, 0)]))
    assert len(twice.words) == len(once.words)
    assert twice.pieces["first"].tolist() == [0, 0]
    assert (twice.pieces["k"].tolist(), twice.pieces["n"].tolist()) == ([0, 2], [0, 3])
    other = packer.pack(np.concatenate([record(0, 0, 0), record(0, 0, 2)]))
    assert len(other.words) == 2 * len(once.words)


def test_nothing_to_pack(handmade: Program) -> None:
    image = Packer(handmade).pack(handmade.instructions[:1])
    assert (len(image.pieces), image.bounds.tolist(), image.work.tolist()) == (0, [0, 0], [0])
    assert image.is_exact
