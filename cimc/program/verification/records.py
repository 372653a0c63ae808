"""Checks of records: what they address is there, and belongs together."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cimc.program.errors import ProgramError
from cimc.program.metadata import Multiplication, Weight
from cimc.program.records import ADC_BITS, ADC_SHIFTS, INTO_ARRAYS, OUT_OF_ARRAYS, Opcode, Records
from cimc.program.verification.checks import below, one_of, spans, weight_sizes


def verify_records(
    records: Records,
    arrays: NDArray[np.int8],
    weights: Sequence[Weight],
    multiplications: Sequence[Multiplication],
    counts: Mapping[str, int],
) -> None:
    """Records address arrays, kernels, tables and values that exist (I7); `counts` tells how many there are."""
    one_of(records["op"], list(Opcode), "opcode")
    multiply = records["op"] == Opcode.MULTIPLY
    one_of(records["adc_bits"], ADC_BITS, "adc_bits", multiply)
    one_of(records["adc_shift"], ADC_SHIFTS, "adc_shift", multiply)
    below(records["x"], counts["slots"], "record", "reads value", "values")
    below(records["y"], counts["slots"], "record", "writes value", "values")
    below(records["array"], len(arrays), "record", "uses array", "arrays", multiply)
    below(records["k"], counts["kernels"], "record", "runs kernel", "kernels", records["op"] == Opcode.KERNEL)
    below(records["k"], counts["tables"], "record", "uses table", "tables", records["op"] == Opcode.PERMUTE)
    spans(records["array"], records["n"], len(arrays), "record", "arrays", records["op"] == Opcode.LOAD)
    spans(records["row"], records["rows"], arrays.shape[1], "record", "array rows", multiply)
    spans(records["column"], records["columns"], arrays.shape[2], "record", "array columns", multiply)
    one_of(records["flags"], (INTO_ARRAYS, OUT_OF_ARRAYS), "direction", records["op"] == Opcode.TRANSFER)
    _verify_operands(records, weights, multiplications, counts["slots"])


def _verify_operands(
    records: Records, weights: Sequence[Weight], multiplications: Sequence[Multiplication], slots: int
) -> None:
    """Every MULTIPLY, CLEAR and ADD belongs to a multiplication (I11) and stays inside its weight (I7)."""
    source = np.full(slots, -1, np.int64)
    weight = np.zeros(slots, np.int64)
    for multiplication in multiplications:
        source[multiplication.y] = multiplication.x
        weight[multiplication.y] = multiplication.weight
    heights, widths = weight_sizes(weights)
    multiply, add = records["op"] == Opcode.MULTIPLY, records["op"] == Opcode.ADD
    of_array = multiply | add | (records["op"] == Opcode.CLEAR)
    for number in np.flatnonzero(of_array & (source[records["y"]] != records["x"]))[:1].tolist():
        x, y = int(records["x"][number]), int(records["y"][number])
        raise ProgramError(f"record {number}: no multiplication of value {x} gives value {y}")
    if not of_array.any():
        return
    height, width = heights[weight[records["y"]]], widths[weight[records["y"]]]
    spans(records["k"], records["rows"], height, "record", "weight rows", multiply)
    spans(records["n"], records["columns"], width, "record", "weight columns", multiply | add)
    for number in np.flatnonzero((records["op"] == Opcode.CLEAR) & (records["n"] != width))[:1].tolist():
        raise ProgramError(
            f"record {number} clears {records['n'][number]} columns, the weight has {width[number]} columns"
        )
