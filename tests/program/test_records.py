"""Constructors of records: fields as given, never wrapped silently."""

import numpy as np
import pytest

from cimc.program.records import (
    OUT_OF_ARRAYS,
    RECORD,
    TIMING_ONLY,
    Opcode,
    add_records,
    clear_record,
    kernel_record,
    multiply_records,
    permute_record,
    transfer_record,
)

MULTIPLY = dict.fromkeys(("stage", "x", "y", "array", "k", "n", "row", "column", "rows", "columns", "bound"), 1)


def test_a_record_is_48_aligned_bytes() -> None:  # I6
    assert RECORD.itemsize == 48
    offsets = [(RECORD[name].itemsize, offset) for name, (_, offset, *_) in (RECORD.fields or {}).items()]
    assert all(offset % size == 0 for size, offset in offsets)


def test_multiply_records_are_vectorised() -> None:
    records = multiply_records(
        **{**MULTIPLY, "array": np.arange(3), "k": [4, 5, 6]}, adc_bits=[1, 8, 32], start=1 << 40
    )
    assert records["op"].tolist() == [Opcode.MULTIPLY] * 3
    assert records["array"].tolist() == [0, 1, 2]
    assert records["k"].tolist() == [4, 5, 6]
    assert records["start"].tolist() == [1 << 40] * 3


def test_single_records() -> None:
    assert clear_record(stage=1, x=2, y=3, n=4)[["op", "stage", "x", "y", "n"]].item() == (2, 1, 2, 3, 4)
    assert kernel_record(stage=1, kernel=2)[["op", "stage", "k"]].item() == (1, 1, 2)
    assert permute_record(stage=1, x=2, y=3, table=4)[["op", "x", "y", "k"]].item() == (4, 2, 3, 4)


def test_records_that_only_tell_time() -> None:  # I8
    moved = transfer_record(stage=1, x=2, direction=OUT_OF_ARRAYS, start=7)
    assert moved[["op", "stage", "x", "flags", "start"]].item() == (5, 1, 2, 1, 7)
    added = add_records(stage=1, x=2, y=3, unit=[0, 1], n=[4, 8], columns=4, start=[5, 6])
    assert added[["op", "x", "y", "array", "n", "columns", "start"]].tolist() == [
        (6, 2, 3, 0, 4, 4, 5),
        (6, 2, 3, 1, 8, 4, 6),
    ]
    assert np.isin([moved["op"][0], added["op"][0]], TIMING_ONLY).all()


def test_no_multiplications_are_no_records() -> None:
    assert len(multiply_records(**{**MULTIPLY, "array": np.arange(0)}, adc_bits=8)) == 0


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("row", 65536, "record field row holds 0 to 65535, found 65536"),
        ("k", -1, "record field k holds 0 to 4294967295, found -1"),
        ("adc_bits", 33, "record field adc_bits holds 0 to 32, found 33"),
        ("adc_shift", 25, "record field adc_shift holds 0 to 24, found 25"),
        ("n", 1.5, "record field n takes integers, found float64"),
    ],
)
def test_numbers_that_do_not_fit(field: str, value: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        multiply_records(**{**MULTIPLY, "adc_bits": 8, field: value})
