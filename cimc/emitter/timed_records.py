"""What passes wrote into operations as tables, as records and rows of the program."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from cimc.program.records import Records, add_records, multiply_records
from dialects.array import MultiplyOp
from dialects.cim import DigitalOp


def stage_records(op: MultiplyOp, stage: int, x: int, y: int, start: int) -> list[Records]:
    """A MULTIPLY for each row group and an ADD for each addition of partial sums; the stage starts at `start` [ps]."""
    assert op.places is not None
    assert op.groups is not None
    groups = op.groups.array
    tiles, places = op.tiles.array[groups[:, 0]], op.places.array[groups[:, 0]]
    multiplies = multiply_records(
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
    )
    if op.adds is None:
        return [multiplies]
    n, columns, unit, begin = op.adds.array.T
    return [multiplies, add_records(stage=stage, x=x, y=y, unit=unit, n=n, columns=columns, start=start + begin)]


def kernel_work(ops: Sequence[Operation], places: Mapping[Operation, int], kernel: int) -> NDArray[np.int64]:
    """The rows (OPERATION_FIELDS) of operators that take time; `places` are their nodes in the kernel's ONNX graph."""
    works = [(places[op], op.work.array.tolist()) for op in ops if isinstance(op, DigitalOp) and op.work is not None]
    rows = [(kernel, node, *work) for node, several in works for work in several]
    return np.array(rows, np.int64).reshape(-1, 5)
