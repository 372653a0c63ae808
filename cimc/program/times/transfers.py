"""Vectors that move through the chip's interconnect: of how many bits each is, and how long it moves (I16, I17)."""

import numpy as np
from numpy.typing import NDArray

from cimc.program.metadata import INPUT_BITS, Timing
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode

SUM_BITS = 32
"""Of an element that leaves arrays, or is permuted."""


def moves_of(program: Program) -> NDArray[np.bool_]:
    """Which records move a vector: TRANSFER and PERMUTE."""
    op = program.instructions["op"]
    return (op == Opcode.TRANSFER) | (op == Opcode.PERMUTE)


def moved_bits(program: Program) -> NDArray[np.int64]:
    """The bits of one vector that each record moves; 0 for records that move none.

    Into arrays, elements have as many bits as the inputs of the stage's products that read them, the most of these
    (8 if none does); out of arrays, and in permutations, they have 32.
    """
    records, bits = program.instructions, np.zeros(len(program.instructions), np.int64)
    permutes, transfers = (np.flatnonzero(records["op"] == op) for op in (Opcode.PERMUTE, Opcode.TRANSFER))
    lengths = np.array([len(table) for table in program.tables], np.int64)
    bits[permutes] = lengths[records["k"][permutes]] * SUM_BITS
    goes_in = records["flags"][transfers] == INTO_ARRAYS
    into, out = transfers[goes_in], transfers[~goes_in]
    products, sources = np.zeros((2, program.slots), np.int64)
    for made in program.multiplications:
        weight = program.weights[made.weight]
        products[made.y] = weight.columns
        sources[made.x] = max(sources[made.x], weight.rows)
    bits[out] = products[records["x"][out]] * SUM_BITS
    bits[into] = sources[records["x"][into]] * _input_bits(program, into)
    return bits


def _input_bits(program: Program, into: NDArray[np.intp]) -> NDArray[np.int64]:
    """Bits of an element for each of these TRANSFER records, which go into arrays."""
    records = program.instructions
    clears = records[records["op"] == Opcode.CLEAR]
    stage_of = dict(zip(clears["y"].tolist(), clears["stage"].tolist()))
    most: dict[tuple[int | None, int], int] = {}
    for made in program.multiplications:
        key = stage_of.get(made.y), made.x
        most[key] = max(most.get(key, 0), made.input_bits)
    pairs = zip(records["stage"][into].tolist(), records["x"][into].tolist())
    return np.array([most.get(pair, max(INPUT_BITS)) for pair in pairs], np.int64)


def move_ps(program: Program, timing: Timing) -> NDArray[np.int64]:
    """How long each record moves a vector, and keeps a link of the chip busy [ps]; 0 for records that move none."""
    durations = np.where(moves_of(program), np.int64(timing.transfer_ps), 0)
    if timing.link_bits_per_ns is None:
        return durations
    return durations + np.ceil(moved_bits(program) * 1000 / timing.link_bits_per_ns).astype(np.int64)
