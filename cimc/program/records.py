"""Records: the instructions of a program, 48 bytes each, in one numpy structured array (I6).

What each instruction does is told in docs/instruction-set.md. The constructors below check every number
against the width of its field, because numpy would wrap silently.
"""

from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Records: TypeAlias = NDArray[np.void]
"""A one-dimensional structured array of dtype RECORD."""


class Opcode(IntEnum):
    """What a record does."""

    KERNEL = 1
    """run the digital operations of kernel `k`"""
    CLEAR = 2
    """value `y` := int32 zeros of shape `x.shape[:-1] + (n,)`"""
    MULTIPLY = 3
    """value `y` += one row group of value `x` times the cells of one rectangle of an array"""
    PERMUTE = 4
    """value `y` := `x[..., tables[k]]`"""
    TRANSFER = 5
    """value `x` moves into (`flags` INTO_ARRAYS) or out of (OUT_OF_ARRAYS) the arrays of a stage"""
    ADD = 6
    """digital unit `array` adds two partial sums of elements `n` to `n + columns` of value `y`"""
    LOOP = 7
    """the body of loop `k` begins, which runs once an iteration"""
    BRANCH = 8
    """the first branch of `k` begins, which runs where its condition is true"""
    ELSE = 9
    """the first branch of `k` ends, and the second begins, which runs where its condition is false"""
    END = 10
    """the last body of `k` ends"""
    LOAD = 11
    """the arrays from `array` on, `n` of them, are programmed with the weights of load `k`, `rows` of each at most"""


TIMING_ONLY = (Opcode.TRANSFER, Opcode.ADD, Opcode.LOAD)
"""What only says when something happens, and changes no value: MULTIPLY has added already (I8)."""
CONTROL_FLOW = (Opcode.LOOP, Opcode.BRANCH, Opcode.ELSE, Opcode.END)
"""What says which records run, and how often."""
INTO_ARRAYS, OUT_OF_ARRAYS = 0, 1
"""`flags` of a TRANSFER."""


RECORD = np.dtype(
    [
        ("op", "u1"),  # an Opcode
        ("adc_bits", "u1"),  # resolution of the conversions
        ("adc_shift", "u1"),  # low bits that the ADC drops
        ("flags", "u1"),  # TRANSFER: its direction; MULTIPLY, ADD: the copy of the weight; otherwise 0
        ("stage", "<u4"),  # KERNEL: the stage that follows
        ("x", "<u4"),  # slot that is read
        ("y", "<u4"),  # slot that is written
        ("array", "<u4"),  # MULTIPLY: array; ADD: digital unit; TRANSFER, PERMUTE: link; LOAD: first array
        ("k", "<u4"),  # MULTIPLY: first element of x; PERMUTE: table; KERNEL: kernel; LOAD: load; or control flow
        ("n", "<u4"),  # MULTIPLY, ADD: first element of y; CLEAR: length of y; LOAD: how many arrays
        ("bound", "<u4"),  # largest analog sum that any input can cause
        ("row", "<u2"),
        ("column", "<u2"),
        ("rows", "<u2"),
        ("columns", "<u2"),
        ("start", "<u8"),  # picoseconds from the start of the run
    ]
)
assert RECORD.itemsize == 48

ADC_BITS = range(1, 33)
ADC_SHIFTS = range(25)
"""Above 24 dropped bits, rounding the largest sum of 65535 rows would need more than 32 bits."""


def multiply_records(
    *,
    stage: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    array: ArrayLike,
    k: ArrayLike,
    n: ArrayLike,
    row: ArrayLike,
    column: ArrayLike,
    rows: ArrayLike,
    columns: ArrayLike,
    adc_bits: ArrayLike,
    bound: ArrayLike,
    adc_shift: ArrayLike = 0,
    start: ArrayLike = 0,
    copy: ArrayLike = 0,
) -> Records:
    """MULTIPLY records from integers or one-dimensional arrays of integers, broadcast against each other.

    Raises ValueError if a number does not fit its field.
    """
    return _records(
        Opcode.MULTIPLY,
        stage=stage,
        x=x,
        y=y,
        array=array,
        k=k,
        n=n,
        row=row,
        column=column,
        rows=rows,
        columns=columns,
        adc_bits=adc_bits,
        adc_shift=adc_shift,
        bound=bound,
        start=start,
        flags=copy,
    )


def clear_record(*, stage: int, x: int, y: int, n: int, start: int = 0) -> Records:
    """One CLEAR record: `y` becomes zeros with the leading dimensions of `x` and `n` as its last one."""
    return _records(Opcode.CLEAR, stage=stage, x=x, y=y, n=n, start=start)


def kernel_record(*, stage: int, kernel: int, start: int = 0) -> Records:
    """One KERNEL record: runs the digital operations that come before stage `stage`."""
    return _records(Opcode.KERNEL, stage=stage, k=kernel, start=start)


def permute_record(*, stage: int, x: int, y: int, table: int, start: int = 0, link: int = 0) -> Records:
    """One PERMUTE record: `y` becomes the elements of the last axis of `x` in the order of `table`."""
    return _records(Opcode.PERMUTE, stage=stage, x=x, y=y, array=link, k=table, start=start)


def transfer_record(*, stage: int, x: int, direction: int, start: int = 0, link: int = 0) -> Records:
    """One TRANSFER record: value `x` moves in `direction`, INTO_ARRAYS or OUT_OF_ARRAYS."""
    return _records(Opcode.TRANSFER, stage=stage, x=x, array=link, flags=direction, start=start)


def add_records(
    *,
    stage: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    unit: ArrayLike,
    n: ArrayLike,
    columns: ArrayLike,
    start: ArrayLike,
    copy: ArrayLike = 0,
) -> Records:
    """ADD records: digital unit `unit` adds two partial sums of `columns` elements of `y`, from element `n` on."""
    return _records(Opcode.ADD, stage=stage, x=x, y=y, array=unit, n=n, columns=columns, start=start, flags=copy)


def control_record(*, op: Opcode, stage: int, control: int, start: int = 0) -> Records:
    """One of `CONTROL_FLOW`: a body of control flow begins or ends."""
    assert op in CONTROL_FLOW
    return _records(op, stage=stage, k=control, start=start)


def load_record(*, stage: int, load: int, array: int, arrays: int, rows: int, start: int = 0) -> Records:
    """One LOAD record: `arrays` arrays from `array` on are programmed, at most `rows` rows of each."""
    return _records(Opcode.LOAD, stage=stage, k=load, array=array, n=arrays, rows=rows, start=start)


def no_records() -> Records:
    """An empty stream, to start a concatenation with."""
    return np.zeros(0, RECORD)


def _records(op: Opcode, **fields: ArrayLike) -> Records:
    values = {name: np.asarray(value) for name, value in fields.items()}
    count = np.broadcast_shapes((1,), *(value.shape for value in values.values()))
    records = np.zeros(count, RECORD)
    records["op"] = op
    for name, value in values.items():
        _check_field(name, value)
        records[name] = value
    return records


def _check_field(name: str, values: NDArray[np.generic]) -> None:
    if not values.size:
        return
    if values.dtype.kind not in "iu":
        raise ValueError(f"record field {name} takes integers, found {values.dtype}")
    lowest, highest = int(values.min()), int(values.max())
    limit = {"adc_bits": ADC_BITS[-1], "adc_shift": ADC_SHIFTS[-1]}.get(name, int(np.iinfo(RECORD[name]).max))
    if lowest < 0 or highest > limit:
        raise ValueError(f"record field {name} holds 0 to {limit}, found {lowest if lowest < 0 else highest}")
