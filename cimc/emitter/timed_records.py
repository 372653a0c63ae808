"""What passes wrote into operations as tables, as records and rows of the program."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from cimc.program import records
from cimc.program.records import Records
from dialects.array import KernelOp, MultiplyOp


def multiply_records(op: MultiplyOp, stage: int, x: int, y: int, start: int) -> list[Records]:
    """A MULTIPLY for each row group and an ADD for each addition of partial sums; the stage starts at `start` [ps]."""
    assert op.places is not None
    assert op.groups is not None
    groups = op.groups.array
    tiles, places = op.tiles.array[groups[:, 0]], op.places.array[groups[:, 0]]
    multiplies = records.multiply_records(
        stage=stage,
        x=x,
        y=y,
        array=places[:, 0],
        k=tiles[:, 0] + groups[:, 1],
        n=tiles[:, 1],
        row=places[:, 1] + groups[:, 1],
        column=places[:, 2],
        rows=groups[:, 2],
        columns=tiles[:, 3],
        adc_bits=groups[:, 3],
        adc_shift=groups[:, 4],
        bound=groups[:, 5],
        start=start + groups[:, 6],
        copy=op.copy_of_tiles[groups[:, 0]],
    )
    if op.adds is None:
        return [multiplies]
    n, columns, unit, begin, copy = op.adds.array.T
    adds = records.add_records(stage=stage, x=x, y=y, unit=unit, n=n, columns=columns, start=start + begin, copy=copy)
    return [multiplies, adds]


def kernel_work(op: KernelOp, places: Mapping[Operation, int], kernel: int, start: int) -> NDArray[np.int64]:
    """The rows (OPERATION_FIELDS) of a kernel's operators that take time; the kernel starts at `start` [ps].

    `places` are the operators' nodes in the kernel's ONNX graph.
    """
    if op.work is None:
        return np.zeros((0, 5), np.int64)
    nodes = np.array([places[operator] for operator in op.operators])
    number, unit, begin, duration = op.work.array.T
    return np.stack([np.full_like(number, kernel), nodes[number], unit, start + begin, duration], axis=1)
