"""A scheduled program made by hand, small enough to know every number of it."""

import numpy as np
import pytest
from onnx import parser

from cimc.program.control_flow.controls import Carried, Loop, Stacked
from cimc.program.metadata import Chip, Input, Kernel, Multiplication, Stage, Timing, Value, Weight
from cimc.program.program import Program
from cimc.program.records import (
    INTO_ARRAYS,
    OUT_OF_ARRAYS,
    Opcode,
    Records,
    add_records,
    clear_record,
    control_record,
    kernel_record,
    multiply_records,
    permute_record,
    transfer_record,
)

BEFORE = "g (float[n,4] v0) => (uint8[n,4] v1) { a = Neg(v0)  b = Abs(a)  v1 = Cast<to = 2>(b) }"
BETWEEN = """g (int32[n,2] v2, int32[n,4] v3) => (uint8[n,4] v4) {
    a = Concat<axis = 1>(v2, v2)  b = Add(a, v3)  v4 = Cast<to = 2>(b)
}"""


@pytest.fixture
def scheduled() -> Program:
    """Two kernels and two stages on arrays of 4x4 with one ADC and inputs of one plane.

    An activation takes `10 + columns * bits` ps, a transfer 100, an addition 20. Value 2 is v1 times a weight of 4x2
    whose halves lie on the diagonal of array 0: one activation, then an addition. Value 3 is v1 times a weight of 4x4
    in array 1, whose rows are driven in two groups. Value 4 comes from both, value 5 is its permutation, and value 6,
    the output, is v5 times the first weight again. Conversions have fewer bits than their bounds ask for: they clip.
    """
    first = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.int8)
    second = np.arange(16, dtype=np.int8).reshape(4, 4)
    arrays = np.zeros((2, 4, 4), np.int8)
    arrays[0, :2, :2], arrays[0, 2:, 2:], arrays[1] = first[:2], first[2:], second
    records = [
        kernel_record(stage=0, kernel=0, start=0),
        transfer_record(stage=0, x=1, direction=INTO_ARRAYS, start=80),
        clear_record(stage=0, x=1, y=2, n=2, start=80),
        _diagonal(stage=0, x=1, y=2, start=180),
        add_records(stage=0, x=1, y=2, unit=0, n=0, columns=2, start=206),
        clear_record(stage=0, x=1, y=3, n=4, start=80),
        multiply_records(
            stage=0, x=1, y=3, array=1, k=[0, 2], n=0, row=[0, 2], column=0, rows=2, columns=4,
            adc_bits=3, bound=1530, start=[180, 202],
        ),
        transfer_record(stage=0, x=2, direction=OUT_OF_ARRAYS, start=226),
        transfer_record(stage=0, x=3, direction=OUT_OF_ARRAYS, start=226),
        kernel_record(stage=1, kernel=1, start=326),
        permute_record(stage=1, x=4, y=5, table=0, start=386),
        transfer_record(stage=1, x=5, direction=INTO_ARRAYS, start=486),
        clear_record(stage=1, x=5, y=6, n=2, start=486),
        _diagonal(stage=1, x=5, y=6, start=586),
        add_records(stage=1, x=5, y=6, unit=1, n=0, columns=2, start=612),
        transfer_record(stage=1, x=6, direction=OUT_OF_ARRAYS, start=632),
    ]  # fmt: skip
    operations = [(0, 0, 0, 0, 30), (0, 1, 1, 30, 30), (0, 2, 0, 60, 20), (0, 2, 1, 60, 20)]
    operations += [(1, 0, 0, 326, 10), (1, 1, 2, 336, 40), (1, 2, 1, 376, 10)]
    return Program(
        chip=Chip("tiny", 4, 4, 2, 8, 8, 1, "offset"),
        arrays=arrays,
        tiles=np.array([[0, 0, 0, 0, 2, 2, 0, 0], [0, 0, 2, 2, 2, 2, 2, 0], [1, 1, 0, 0, 4, 4, 0, 0]], np.int32),
        instructions=np.concatenate(records),
        tables=[np.array([3, 2, 1, 0], np.int32)],
        kernels=[Kernel(_model(BEFORE), (0,), (1,), ("/quantise",)), Kernel(_model(BETWEEN), (2, 3), (4,), ("/join",))],
        inputs=[Input("x", "float32", ("n", 4), 0)],
        outputs=[Value("y", "int32", ("n", 2), 6)],
        slots=7,
        weights=[Weight("first", 4, 2), Weight("second", 4, 4)],
        multiplications=[
            Multiplication(2, 1, 0, "/first"),
            Multiplication(3, 1, 1, "/second"),
            Multiplication(6, 5, 0, "/again"),
        ],
        stages=[Stage(0, 80, 246), Stage(1, 486, 246)],
        operations=np.array(operations, np.int64),
        timing=Timing(10, (1, 2, 3, 4, 5, 6, 7, 8), 100, 20, digital_units=2, attention_units=1, vector_width=4),
    )


def _diagonal(*, stage: int, x: int, y: int, start: int) -> Records:
    return multiply_records(
        stage=stage, x=x, y=y, array=0, k=[0, 2], n=0, row=[0, 2], column=[0, 2], rows=2, columns=2,
        adc_bits=4, bound=1020, start=start,
    )  # fmt: skip


def _model(graph: str) -> bytes:
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {graph}').SerializeToString()


BODY = "g (int32[n,4] v3) => (uint8[n,4] v4) { a = Abs(v3)  v4 = Cast<to = 2>(a) }"


@pytest.fixture
def looped() -> Program:
    """A loop on one array of 4x4: v2, at first the input v1, times a weight is v3, of which a kernel makes the next.

    It runs v0 times and gives the last v4 as v5, and all v3 as v6. An activation takes 26 ps, a transfer 100.
    """
    array = np.arange(16, dtype=np.int8).reshape(1, 4, 4)
    records = [
        control_record(op=Opcode.LOOP, stage=0, control=0, start=0),
        transfer_record(stage=0, x=2, direction=INTO_ARRAYS, start=0),
        clear_record(stage=0, x=2, y=3, n=4, start=0),
        multiply_records(
            stage=0, x=2, y=3, array=0, k=0, n=0, row=0, column=0, rows=4, columns=4, adc_bits=4, bound=1020, start=100
        ),
        transfer_record(stage=0, x=3, direction=OUT_OF_ARRAYS, start=126),
        kernel_record(stage=1, kernel=0, start=226),
        control_record(op=Opcode.END, stage=1, control=0, start=246),
    ]
    stacked = Stacked(3, 6, 0, False, "int32", (None, 4))
    return Program(
        chip=Chip("tiny", 4, 4, 2, 8, 8, 1, "offset"),
        arrays=array,
        tiles=np.array([[0, 0, 0, 0, 4, 4, 0, 0]], np.int32),
        instructions=np.concatenate(records),
        kernels=[Kernel(_model(BODY), (3,), (4,), ("/body",))],
        inputs=[Input("trips", "int64", (), 0), Input("x", "uint8", ("n", 4), 1)],
        outputs=[Value("last", "uint8", ("n", 4), 5), Value("all", "int32", (None, "n", 4), 6)],
        slots=7,
        weights=[Weight("w", 4, 4)],
        multiplications=[Multiplication(3, 2, 0, "/product")],
        controls=[Loop("/loop", trips=0, carried=(Carried(1, 2, 4, 5),), stacked=(stacked,))],
        stages=[Stage(0, 0, 226)],
        operations=np.array([(0, 0, 0, 226, 10), (0, 1, 0, 236, 10)], np.int64),
        timing=Timing(10, (1, 2, 3, 4, 5, 6, 7, 8), 100, 20, digital_units=2, attention_units=1, vector_width=4),
    )
